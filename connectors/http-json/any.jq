# `/orders` for an order, `/inventory` for inventory.
def folder: .document | if endswith("inventory") then . else . + "s" end;

def push: {
  path: "/\(folder)",
  headers: {"Crossdock-Partner": $partner},
  body: .
};
