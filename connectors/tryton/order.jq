# An order becomes a sale: looked up, made, quoted, confirmed, processed.

# A domain of Tryton, as its REST protocol takes it.
def domain: tojson | @base64 | gsub("\\+"; "-") | gsub("/"; "_");
def decimal: {__class__: "Decimal", decimal: .};
def date: split("-") | map(tonumber) | {__class__: "date", year: .[0], month: .[1], day: .[2]};

def party_code: $settings.parties[$partner]
  // error("no party of Tryton is known for the partner \($partner); add it to settings.parties");

# The code of a line's product.
def sku: . as $line
  | first($settings.item_kinds[] as $kind | $line.items[]? | select(.kind == $kind) | .value)
  // error("line \($line.number // "?") has no item number of the kind \($settings.item_kinds | join(" or "))");

def unit: . as $line
  | $settings.units[$line.unit // "nothing"]
  // error("line \($line.number // "?"): no unit of Tryton is known for \($line.unit // "no unit"); add it to settings.units");

# Where it goes; an address of Tryton by its id where one is given for the ship-to.
def known_address: $settings.addresses[.ship_to.id // "-"];
def place: .ship_to | {street, city, postal_code};

def check:
  party_code,
  (.lines | if length == 0 then error("the order has no lines") end),
  (.lines[] | sku, unit,
    (if .quantity == null then error("line \(.number // "?") has no quantity") end),
    (if .price == null then error("line \(.number // "?") has no price") end)),
  (if known_address == null and ((place | .street and .city) | not)
   then error("no address is known for the ship-to \(.ship_to.id // "of the order"), and the order has no street and city; add it to settings.addresses") end);

def company: {path: "/company.company", query: {f: ["currency.code"]}};
def company_found:
  .[0] // error("Tryton has no company")
  | . as $company
  | ($document.currency.code // $company.currency.code) as $wanted
  | if $company.currency.code != $wanted
    then error("the order is in \($wanted), and the company's currency is \($company.currency.code)") end
  | {id, currency: .currency.id};

def party: {path: "/party.party", query: {f: ["code"], d: ([["code", "=", party_code]] | domain)}};
def party_found: .[0].id // error("Tryton has no party with the code \($document | party_code)");

def products: ([.lines[] | sku] | unique) as $codes
  | {path: "/product.product", query: {f: ["code"], d: ([["code", "in", $codes]] | domain)}};
def products_found:
  (map({(.code): .id}) | add // {}) as $found
  | [$document.lines[] | sku | select($found[.] == null)] | unique
  | if length > 0 then error("Tryton has no product with the code \(join(", "))") else $found end;

def units: ([.lines[] | unit] | unique) as $symbols
  | {path: "/product.uom", query: {f: ["symbol"], d: ([["symbol", "in", $symbols]] | domain)}};
def units_found:
  (map({(.symbol): .id}) | add // {}) as $found
  | [$document.lines[] | unit | select($found[.] == null)] | unique
  | if length > 0 then error("Tryton has no unit with the symbol \(join(", "))") else $found end;

# Tryton keeps the party's own addresses apart: the same street of another party is another.
def find_address: if known_address then null else
  {path: "/party.address", query: {f: ["street"], d: ([["party", "=", $results.party]]
    + (place | to_entries | map([.key, "=", .value])) | domain)}} end;
def address: if known_address then null else
  {path: "/party.address", body: ({party: $results.party} + place)} end;

def find_sale: {path: "/sale.sale", query: {f: ["state"], d: ([
  ["reference", "=", .number], ["party", "=", $results.party], ["state", "!=", "cancelled"]] | domain)}};

def sale: . as $order | (known_address // $results.address) as $address | {
  path: "/sale.sale",
  body: ({
    reference: .number,
    company: $results.company.id,
    currency: $results.company.currency,
    party: $results.party,
    invoice_party: $results.party,
    shipment_party: $results.party,
    invoice_address: $address,
    shipment_address: $address,
    invoice_method: "fulfillment",
    shipment_method: "order",
    lines: [["create", [.lines | to_entries[] | .key as $index | .value | {
      type: "line",
      # By it a shipment and an invoice find their line of the order again.
      sequence: ($index + 1),
      product: $results.products[sku],
      unit: $results.units[unit],
      quantity: (.quantity | tonumber),
      unit_price: (.price | decimal)
    }]]]
  } + if .date then {sale_date: (.date | date)} else {} end)
};

def sale_path: "/sale.sale/\($results.sale // error("the sale is not known"))";
def sale_state: {path: sale_path, query: {f: ["state"]}};
# The state, where it is none of these; a sale that was cancelled there is for a person.
def is_beyond($states): .state as $state
  | if $state == "cancelled" then error("the sale \(.id) was cancelled in Tryton")
    elif any($states[]; . == $state) then null else $state end;
def quote: {method: "POST", path: "\(sale_path)/quote", body: {}};
def confirm: {method: "POST", path: "\(sale_path)/confirm", body: {}};
def process: {method: "POST", path: "\(sale_path)/process", body: {}};
