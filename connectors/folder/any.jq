# `orders` for an order, `inventory` for inventory.
def kinds: .document | if endswith("inventory") then . else . + "s" end;

def put: {
  method: "PUT",
  path: "/\($partner)/\(kinds)/\($id | gsub("[^A-Za-z0-9._-]"; "_")).json",
  body: .
};

# What lies ready; what was done with at the look before is put away.
def list(kinds): {path: "/\($partner)/\(kinds)", query: {done: $cursor}};

# The documents of all files; a file that has none becomes one for a person.
def items: .[] | if (.records // []) == [] then {file: .} else .records[] end;

def document:
  if .file
  then error("\(.file.name): \(.file.error
    // (if .file.records then "it has no documents" else "it is neither .json, .jsonl nor .csv" end))")
  else .
  end;
