// Runs ajv and the C reader over tests/corpus/wdf and compares: files of good/ pass both, files of bad/schema/ fail both, files of
// bad/semantic/ fail the reader and pass the schema. Those of bad/text/ are refused before there is anything to compare: not text, not
// YAML, or YAML that the reader does not take. Placeholders are masked here as the reader masks them.
import Ajv from "ajv/dist/2020.js";
import YAML from "yaml";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const [root, check] = process.argv.slice(2);
const corpus = join(root, "tests/corpus/wdf");
const schema = JSON.parse(readFileSync(join(root, "wdf-schema/wdf.schema.json"), "utf8"));
const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
const validate = ajv.compile(schema);
let number = 0;
let failed = 0;

function ok(condition, name, ...notes) {
  number++;
  if (!condition) failed++;
  console.log(`${condition ? "ok" : "not ok"} ${number} - ${name}`);
  if (!condition) for (const note of notes) console.log(`# ${String(note).replaceAll("\n", "\n# ")}`);
}

// Placeholders become words that YAML takes for text, and come back in every string.
function read(text) {
  const pieces = [];
  const masked = text.replace(/\{\{[^{}\n\r"'\\]*\}\}/g, (piece) => {
    pieces.push(piece);
    return `\uE000${pieces.length - 1}\uE001`;
  });
  const back = (s) => s.replace(/\uE000(\d+)\uE001/g, (_, i) => pieces[Number(i)]);
  const walk = (v) => {
    if (typeof v === "string") return back(v);
    if (Array.isArray(v)) return v.map(walk);
    if (v && typeof v === "object") return Object.fromEntries(Object.entries(v).map(([k, x]) => [back(k), walk(x)]));
    return v;
  };
  const document = YAML.parseDocument(masked, { version: "1.2", uniqueKeys: true, merge: false });
  if (document.errors.length) throw document.errors[0];
  return walk(document.toJS({ maxAliasCount: 1000 }));
}

// What the reader says of every file, in few calls.
function reader(files, options) {
  const verdicts = new Map();
  for (let i = 0; i < files.length; i += 50) {
    const some = files.slice(i, i + 50);
    let out;
    try {
      out = execFileSync(check, ["--json", "--types", join(root, "services/types"), ...options, ...some], { maxBuffer: 1 << 26 });
    } catch (error) {
      if (error.status !== 3) throw error;
      out = error.stdout;
    }
    for (const line of out.toString().trim().split("\n")) {
      const verdict = JSON.parse(line);
      verdicts.set(verdict.file, verdict);
    }
  }
  return verdicts;
}

function files(folder) {
  return readdirSync(join(corpus, folder))
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => join(corpus, folder, name));
}

function judge(file) {
  let value;
  try {
    value = read(readFileSync(file, "utf8"));
  } catch (error) {
    return { yaml: false, errors: error.message };
  }
  const valid = validate(value);
  return { yaml: true, valid, errors: JSON.stringify(validate.errors?.slice(0, 8), null, 1) };
}

for (const [folder, options] of [["good", ["--needed"]], ["bad/schema", ["--needed"]], ["bad/semantic", []], ["bad/text", []]]) {
  const list = files(folder);
  const verdicts = reader(list, options);
  for (const file of list) {
    const name = file.slice(corpus.length + 1);
    const said = verdicts.get(file);
    const schemaSaid = judge(file);
    if (folder === "good") {
      ok(said.valid, `reader accepts ${name}`, JSON.stringify(said.findings));
      ok(schemaSaid.yaml && schemaSaid.valid, `schema accepts ${name}`, schemaSaid.errors);
    } else if (folder === "bad/schema") {
      ok(!said.valid, `reader refuses ${name}`);
      ok(schemaSaid.yaml && !schemaSaid.valid, `schema refuses ${name}`, schemaSaid.errors);
    } else if (folder === "bad/text") {
      ok(!said.valid, `reader refuses ${name}`);
    } else {
      ok(!said.valid, `reader refuses ${name}`);
      ok(schemaSaid.yaml && schemaSaid.valid, `only the reader can see ${name}`, schemaSaid.errors);
    }
  }
}
console.log(`1..${number}`);
process.exit(failed ? 1 : 0);
