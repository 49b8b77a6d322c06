# What jq has and the interpreter leaves out.
def field(f):
  if . == null then ""
  elif type == "array" or type == "object" then error("a field is a text or a number, not \(tojson)")
  elif type == "string" then f
  else tostring end;
def fields(f):
  if type != "array" then error("a row is a list, not \(tojson)") end | map(field(f));

def @csv: fields("\"" + (split("\"") | join("\"\"")) + "\"") | join(",");
def @tsv:
  fields(split("\\") | join("\\\\") | split("\t") | join("\\t") | split("\n") | join("\\n") | split("\r") | join("\\r"))
  | join("\t");
