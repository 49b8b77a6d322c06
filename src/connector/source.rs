//! The texts of connectors: those of the program, and those of a folder that overlay them file by file.

use include_dir::{Dir, include_dir};

use crate::grammar::SourceFile;

/// The file that makes a folder a connector.
pub const CONNECTOR_FILE: &str = "connector.toml";

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/connectors");

/// A connector as texts: its folder's name and files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorSource {
    /// The name of its folder.
    pub name: String,
    /// Its files: `connector.toml` and the programs (`.jq`), each with the path that problems name.
    pub files: Vec<(String, SourceFile)>,
}

impl ConnectorSource {
    /// Those that ship with the program, by name.
    #[must_use]
    pub fn embedded() -> Vec<Self> {
        let mut sources: Vec<Self> = EMBEDDED
            .dirs()
            .map(|folder| {
                let name = folder.path().display().to_string();
                let files = folder.files().filter_map(|file| {
                    let path = file.path();
                    let own = path.file_name()?.to_str()?.to_owned();
                    let text = file.contents_utf8()?.to_owned();
                    let told = format!("connectors/{}", path.display());
                    Some((own, SourceFile { path: told.into(), text }))
                });
                Self { files: files.collect(), name }
            })
            .collect();
        sources.sort_by(|a, b| a.name.cmp(&b.name));
        sources
    }

    /// One of its files.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&SourceFile> {
        self.files.iter().find(|(own, _)| own == name).map(|(_, file)| file)
    }
}

/// Lays connectors over others: of two of a name, each file of the second takes the place of that of the first.
#[must_use]
pub fn overlaid(
    mut base: Vec<ConnectorSource>,
    over: Vec<ConnectorSource>,
) -> Vec<ConnectorSource> {
    for source in over {
        match base.iter_mut().find(|one| one.name == source.name) {
            None => base.push(source),
            Some(one) => {
                one.files.retain(|(name, _)| source.file(name).is_none());
                one.files.extend(source.files);
            }
        }
    }
    base.sort_by(|a, b| a.name.cmp(&b.name));
    base
}
