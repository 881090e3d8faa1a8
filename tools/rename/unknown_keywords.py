"""Keywords of calls of models that the model does not have; attributes of SQL rows are not looked
at."""
import ast, importlib, os, subprocess, sys, warnings
warnings.simplefilter("ignore"); sys.path.insert(0, os.getcwd())
import deploy.cli
from pydantic import BaseModel
for p in subprocess.check_output(["git","ls-files","*.py"],text=True).split():
    if not p.startswith(("services","tests","deploy","shared")) or "__main__" in p or p.endswith("conftest.py"): continue
    try: m=importlib.import_module(p.removesuffix(".py").replace("/",".").removesuffix(".__init__"))
    except BaseException as e: print("!",p,repr(e)[:80]); continue
    for n in ast.walk(ast.parse(open(p).read())):
        if isinstance(n,ast.Call):
            try: c=eval(compile(ast.Expression(n.func),"","eval"),vars(m))
            except Exception: continue
            if isinstance(c,type) and issubclass(c,BaseModel):
                for k in n.keywords:
                    if k.arg and k.arg not in c.model_fields: print(p,n.lineno,c.__name__,k.arg)
