// Validates AsyncAPI documents with AsyncAPI's own parser, and prints what it finds.
import { Parser, fromFile } from "@asyncapi/parser";

const parser = new Parser();
let found = 0;
for (const file of process.argv.slice(2)) {
  const { diagnostics } = await fromFile(parser, file).parse();
  for (const each of diagnostics.filter(({ severity }) => severity <= 1)) {
    console.log(`${file}: ${each.path.join(".")}: ${each.message}`);
    found += 1;
  }
}
process.exit(found ? 1 : 0);
