# /// script
# requires-python = ">=3.11"
# dependencies = ["libcst"]
# ///
"""Report scopes in which a rename of the list merges two names. Run at the root, before the
list."""
import sys; sys.path.insert(0, "tools")
import rename as R, libcst as cst
from collections import defaultdict
from pathlib import Path
entries=R.read(sys.argv[1:]); moves=R.Moves(entries["move"]); names=[R.Rename.read(e) for e in entries["name"]]
class C(R.Rewriter):
    def __init__(s,*a):
        super().__init__(*a); s.stack=[]; s.seen=defaultdict(lambda: defaultdict(set))
    def visit_FunctionDef(s,n): super().visit_FunctionDef(n); s.stack.append(n.name.value)
    def visit_ClassDef(s,n): super().visit_ClassDef(n); s.stack.append(n.name.value)
    def leave_FunctionDef(s,o,u): s.stack.pop(); return u
    def leave_ClassDef(s,o,u): s.stack.pop(); return u
    def leave_Name(s,o,u):
        where,owner=s.context.get(id(o),("variable",""))
        new=s.renames.name(o.value,where,owner)
        if where=="variable" and o.value in s.local: new=s.local[o.value]
        if where=="attribute": key=("attr",owner)
        elif where=="keyword": return u
        else: key=("name",".".join(s.stack[:2]))
        s.seen[key][new].add(o.value)
        return u
for p in R.tracked():
    if not p.endswith(".py") or p.startswith("tools/"): continue
    t=Path(p).read_text()
    if not any(e.old in t for e in names): continue
    r=R.Renames([e for e in names if e.concerns(p)])
    v=C(r,moves,p); cst.parse_module(t).visit(v)
    glob=v.seen[("name","")]
    for k,m in v.seen.items():
        for new,olds in m.items():
            if k[0]=="name" and k[1]: olds=olds|{o for o in glob.get(new,()) }
            if len(olds)>1: print(p,*k,new,"<-",sorted(olds))
