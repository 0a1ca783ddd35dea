// Checks CloudFormation templates against AWS's resource specification (@aws-cdk/aws-service-spec): types of resources, names, types and
// presence of properties, and attributes that Fn::GetAtt names. Usage: node lint.mjs TEMPLATE… — it prints what is wrong and exits with 1.
import { readFileSync } from "node:fs";
import { loadAwsServiceSpecSync } from "@aws-cdk/aws-service-spec";
import yaml from "js-yaml";

const spec = loadAwsServiceSpecSync();

// The short forms of functions: !Ref x is {"Ref": x}, !GetAtt a.b is {"Fn::GetAtt": [a, b]}, !Sub x is {"Fn::Sub": x}.
const names = ["Ref", "Condition", "GetAtt", "Sub", "Join", "If", "Equals", "Not", "And", "Or", "Select", "Split", "FindInMap", "Base64", "Cidr", "GetAZs", "ImportValue", "ToJsonString"];
const long = (name) => (name === "Ref" || name === "Condition" ? name : `Fn::${name}`);
const value = (name, data) => ({ [long(name)]: name === "GetAtt" && typeof data === "string" ? data.split(/\.(.*)/s).slice(0, 2) : data });
const schema = yaml.DEFAULT_SCHEMA.extend(
  names.flatMap((name) => ["scalar", "sequence", "mapping"].map((kind) => new yaml.Type(`!${name}`, { kind, construct: (data) => value(name, data) }))),
);

function read(file) {
  return yaml.load(readFileSync(file, "utf8"), { schema, filename: file });
}

const isObject = (v) => typeof v === "object" && v !== null && !Array.isArray(v);

// intrinsic returns the name of the function that a value is, or undefined.
function intrinsic(v) {
  if (!isObject(v)) return undefined;
  const keys = Object.keys(v);
  return keys.length === 1 && (keys[0] === "Ref" || keys[0].startsWith("Fn::")) ? keys[0] : undefined;
}

function resource(type) {
  const found = spec.lookup("resource", "cloudFormationType", "equals", type);
  return found.length === 1 ? found[0] : undefined;
}

class Checker {
  constructor(file, template) {
    this.file = file;
    this.template = template;
    this.complaints = [];
  }

  complain(where, what) {
    this.complaints.push(`${this.file}: ${where}: ${what}`);
  }

  fits(type, v) {
    this.value("", type, v);
    return this.complaints.length === 0;
  }

  check() {
    if (!isObject(this.template?.Resources) || Object.keys(this.template.Resources).length === 0) {
      return this.complain("Resources", "there are none");
    }
    for (const [id, r] of Object.entries(this.template.Resources)) {
      const known = resource(r.Type);
      if (!known) {
        this.complain(id, `there is no resource type ${r.Type}`);
        continue;
      }
      for (const key of Object.keys(r)) {
        if (!["Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy", "CreationPolicy", "Metadata"].includes(key)) {
          this.complain(id, `a resource has no ${key}`);
        }
      }
      this.properties(`${id} (${r.Type})`, known.properties, r.Properties ?? {});
    }
    this.attributes("template", this.template);
  }

  properties(where, known, given) {
    for (const [name, v] of Object.entries(given)) {
      if (known[name]) this.value(`${where}.${name}`, known[name].type, v);
      else this.complain(where, `there is no property ${name}; known are ${Object.keys(known).join(", ")}`);
    }
    for (const [name, p] of Object.entries(known)) {
      if (p.required && !(name in given)) this.complain(where, `the property ${name} is missing`);
    }
  }

  value(where, type, v) {
    const fn = intrinsic(v);
    if (fn === "Fn::If") {
      for (const branch of v[fn].slice(1)) this.value(where, type, branch);
      return;
    }
    if (fn) return; // known when the stack is made
    const wrong = (want) => this.complain(where, `is ${JSON.stringify(v)?.slice(0, 80)}, but has to be ${want}`);
    switch (type.type) {
      case "string":
        return isObject(v) || Array.isArray(v) || v === null ? wrong("a text") : undefined;
      case "integer":
        return Number.isInteger(Number(v)) && typeof v !== "boolean" && v !== "" ? undefined : wrong("a whole number");
      case "number":
        return Number.isFinite(Number(v)) && typeof v !== "boolean" && v !== "" ? undefined : wrong("a number");
      case "boolean":
        return v === true || v === false || v === "true" || v === "false" ? undefined : wrong("true or false");
      case "json":
        return isObject(v) || Array.isArray(v) ? undefined : wrong("an object");
      case "array":
        if (!Array.isArray(v)) return wrong("a list");
        return v.forEach((item, i) => this.value(`${where}[${i}]`, type.element, item));
      case "map":
        if (!isObject(v)) return wrong("a mapping");
        return Object.entries(v).forEach(([k, item]) => this.value(`${where}.${k}`, type.element, item));
      case "ref": {
        const known = spec.get("typeDefinition", type.reference);
        // A package that is a local file or folder is put into a bucket by `aws cloudformation package`.
        if (known.name === "Code" && typeof v === "string") return undefined;
        return isObject(v) ? this.properties(where, known.properties, v) : wrong(`a ${known.name}`);
      }
      case "union": {
        // JSON of any form is allowed beside most types that the specification describes; the description is what is meant.
        const shape = Array.isArray(v) ? ["array"] : isObject(v) ? ["ref", "map"] : ["string", "integer", "number", "boolean"];
        const described = type.types.filter((t) => shape.includes(t.type));
        if (described.length === 0) return type.types.some((t) => t.type === "json") ? undefined : wrong(type.types.map((t) => t.type).join(" or "));
        if (described.length === 1) return this.value(where, described[0], v);
        return described.some((t) => new Checker(this.file, this.template).fits(t, v)) ? undefined : wrong("of one of the types of the specification");
      }
      default:
        return undefined; // tags, dates
    }
  }

  // attributes checks what Fn::GetAtt and ${Resource.Attribute} in Fn::Sub ask of resources.
  attributes(where, v) {
    if (Array.isArray(v)) return v.forEach((item) => this.attributes(where, item));
    if (!isObject(v)) return;
    for (const [key, inner] of Object.entries(v)) {
      if (key === "Fn::GetAtt") {
        this.attribute(where, ...(Array.isArray(inner) ? inner : inner.split(/\.(.*)/s)));
        continue;
      }
      if (key === "Fn::Sub") {
        const [text, own] = Array.isArray(inner) ? inner : [inner, {}];
        for (const [, name] of text.matchAll(/\$\{([^!}][^}]*)\}/g)) {
          const [id, attribute] = name.split(/\.(.*)/s);
          if (attribute && !(name in own)) this.attribute(where, id, attribute);
        }
      }
      this.attributes(`${where}.${key}`, inner);
    }
  }

  attribute(where, id, attribute) {
    const target = this.template.Resources[id];
    if (!target) return this.complain(where, `${id}.${attribute} is asked for, but there is no resource ${id}`);
    if (target.Type === "AWS::CloudFormation::Stack") return; // outputs, which the tests of this folder follow
    const known = resource(target.Type)?.attributes ?? {};
    if (!known[attribute]) this.complain(where, `${target.Type} has no attribute ${attribute}; known are ${Object.keys(known).join(", ")}`);
  }
}

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: node lint.mjs TEMPLATE…");
  process.exit(2);
}
let complaints = 0;
for (const file of files) {
  const checker = new Checker(file);
  try {
    checker.template = read(file);
    checker.check();
  } catch (error) {
    checker.complain("the file", error.message ?? error);
  }
  for (const complaint of checker.complaints) console.log(complaint);
  complaints += checker.complaints.length;
}
console.error(`${files.length} templates, ${complaints} complaints`);
process.exit(complaints > 0 ? 1 : 0);
