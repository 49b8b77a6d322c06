//! `crossdock connector new`: a connector to fill in.

use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use super::super::{Error, Verdict};
use crate::disk::{create_dir, write_to};

#[derive(Debug, clap::Args)]
pub(super) struct New {
    /// Its name, which is that of its folder: small letters, digits and -
    name: String,
    /// The folder of your connectors
    #[arg(
        long,
        value_name = "DIR",
        default_value = super::FOLDER,
        env = "CROSSDOCK_CONNECTORS",
        hide_env_values = true
    )]
    connectors: PathBuf,
}

const CONNECTOR: &str = r#"# What the API is like; see docs/connectors.md. `crossdock connector check` tells what is wrong.
title = "TITLE"
base_url = "{url}"

# What each endpoint says under [endpoints.NAME.settings] in crossdock.toml.
[settings.url]
about = "where the API is: https://wms.example/api"

[settings.token]
about = "the bearer token, as env:NAME or file:PATH"
secret = true

[settings.warehouses]
about = "our warehouse for each ship-from id of an order"
default = {}

[auth]
kind = "bearer"                 # none, basic, api-key, bearer, oauth2-client-credentials, hmac
secret = "token"

# An order: `check` says what keeps it back before the first call; each step is one call.
[documents.order]
check = "check"

[[documents.order.step]]
name = "create"                 # calls `def create` of order.jq
idempotency = "search"          # the order is looked for before it is made
search = "find"
found = ".[0].id"
result = ".id"
"#;

const ORDER: &str = r#"# A program gets the order as `.`, and $settings, $partner, $id, $results. It gives a call:
# {method, path, query, headers, body}.

def warehouse: $settings.warehouses[.ship_from.id // "-"]
  // error("no warehouse is known for ship-from \(.ship_from.id // "nothing"); add it to settings.warehouses");

def check: warehouse;

def find: {path: "/orders", query: {reference: .number}};

def create: {
  path: "/orders",
  body: {
    reference: .number,
    warehouse: warehouse,
    lines: [.lines[] | {
      sku: (first(.items[] | select(.kind == "vendor") | .value) // error("line \(.number) has no vendor's item number")),
      quantity: .quantity
    }]
  }
};
"#;

pub(super) fn run(args: &New, out: &mut dyn Write) -> Result<Verdict, Error> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if args.name.is_empty() || !args.name.chars().all(plain) {
        let words = format!("`{}`: a name has small letters, digits and - only", args.name);
        return Err(Error::Unknown(words));
    }
    let folder = args.connectors.join(&args.name);
    if folder.exists() {
        return Err(Error::read(&folder)(ErrorKind::AlreadyExists.into()));
    }
    create_dir(&folder)?;
    let connector = CONNECTOR.replace("TITLE", &args.name);
    for (name, text) in [("connector.toml", connector.as_str()), ("order.jq", ORDER)] {
        write_to(&folder, name, text.as_bytes())?;
        writeln!(out, "wrote {}", folder.join(name).display())?;
    }
    let elsewhere = match args.connectors.to_str() {
        Some(super::FOLDER) => String::new(),
        _ => format!(" --connectors {}", args.connectors.display()),
    };
    writeln!(
        out,
        "\nNext: say how the API is called, then `crossdock connector check {}{elsewhere}`",
        args.name
    )?;
    Ok(Verdict::Clean)
}
