//! The profiles at hand, read and resolved.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Place;
use crate::cli::definitions::engine;
use crate::cli::{Context, Error};
use crate::folders::{profile_sources, unused_files};
use crate::gateway::Config;
use crate::grammar::suggest::nearest;
use crate::profile::{PARTNER_FILE, Partner, Problem, ProfileSource, Profiles};
use crate::translate::Engine;

/// The folder that is looked into where none is named.
pub(super) const USUAL_FOLDER: &str = "partner-profiles";

/// Profiles with all that they rest on, and what is wrong with them.
pub(super) struct Loaded {
    pub engine: Engine,
    /// Where they lie.
    pub folder: PathBuf,
    /// Those of the folder.
    pub own: Vec<ProfileSource>,
    pub profiles: Profiles,
    pub problems: Vec<Problem>,
}

impl Place {
    /// The configuration, where one is named.
    pub(super) fn config(&self) -> Result<Option<Config>, Error> {
        let Some(file) = &self.config else { return Ok(None) };
        Config::read(file).map(Some).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Error::Gateway(format!("the configuration cannot be used\n{}", lines.join("\n")))
        })
    }

    /// The folder of the profiles.
    pub(super) fn folder(&self, config: Option<&Config>) -> PathBuf {
        let named = self.profiles.clone().or_else(|| config.map(|config| config.profiles.clone()));
        named.unwrap_or_else(|| USUAL_FOLDER.into())
    }

    /// Reads them all, and gives one that is in force beside them.
    pub(super) fn partner(
        &self,
        name: &str,
        context: &Context,
    ) -> Result<(Loaded, Arc<Partner>), Error> {
        let loaded = self.load(context)?;
        let partner = Arc::clone(loaded.partner(name)?);
        Ok((loaded, partner))
    }

    /// Reads all profiles of the folder, over those that are shipped.
    pub(super) fn load(&self, context: &Context) -> Result<Loaded, Error> {
        let config = self.config()?;
        let folder = self.folder(config.as_ref());
        let mut loaded = load(&folder, engine(context)?)?;
        loaded.problems.extend(unused_files(&folder));
        loaded.problems.sort();
        if let Some(config) = &config {
            crate::gateway::check_endpoints(&loaded.profiles, config, &mut loaded.problems);
            loaded.problems.sort();
        }
        Ok(loaded)
    }
}

/// Reads all profiles of a folder, over those that are shipped.
pub(super) fn load(folder: &Path, engine: Engine) -> Result<Loaded, Error> {
    if !folder.is_dir() {
        let words = format!(
            "{}: no such folder; name that of your profiles with --profiles DIR",
            folder.display()
        );
        return Err(Error::NoInput(words));
    }
    let (own, mut problems) = profile_sources(folder);
    let mut sources = Profiles::shipped();
    sources.extend(own.iter().cloned());
    let (profiles, found) = Profiles::from_sources(&sources, engine.grammars(), engine.maps());
    problems.extend(found);
    problems.sort();
    Ok(Loaded { engine, folder: folder.to_path_buf(), own, profiles, problems })
}

/// Profiles in force, and as they are to be.
pub(in crate::cli) struct Changed {
    /// Those of the folder.
    pub now: Profiles,
    /// With those that take their place.
    pub then: Profiles,
}

/// Reads the profiles of a folder, and those that are to take the place of theirs by name: a folder of profiles, or
/// that of one. `called` names the partner where the folder of its profile has another name.
///
/// # Errors
/// What cannot be read; everything that is wrong with the profiles that are to be, and not with those in force.
pub(in crate::cli) fn changed(
    folder: &Path,
    with: &Path,
    called: Option<&str>,
    engine: &Engine,
) -> Result<Changed, Error> {
    let read = |own: &[ProfileSource], new: &[ProfileSource]| {
        let mut sources = Profiles::shipped();
        sources.extend(own.iter().chain(new).cloned());
        Profiles::from_sources(&sources, engine.grammars(), engine.maps())
    };
    let (own, _) = profile_sources(folder);
    let (new, unread) = if is_profile(with) {
        let path = with.canonicalize().map_err(Error::read(with))?;
        let (all, mut unread) = profile_sources(path.parent().unwrap_or(&path));
        unread.retain(|problem| Path::new(&problem.file).starts_with(&path));
        let its = all.into_iter().filter(|source| Path::new(&source.folder) == path);
        let its = its.map(|source| ProfileSource {
            name: called.map_or_else(|| source.name.clone(), str::to_owned),
            ..source
        });
        (its.collect(), unread)
    } else {
        profile_sources(with)
    };
    if new.is_empty() && unread.is_empty() {
        let words = format!("{}: holds no profile", with.display());
        return Err(Error::NoInput(words));
    }
    let (now, known) = read(&own, &[]);
    let (then, mut problems) = read(&own, &new);
    problems.retain(|problem| problem.is_error() && !known.contains(problem));
    problems.extend(unread);
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let words = format!("the changed profiles cannot be used\n  {}", lines.join("\n  "));
        return Err(Error::Unknown(words));
    }
    Ok(Changed { now, then })
}

impl Loaded {
    /// A partner that is in force, or could be.
    pub(super) fn partner(&self, name: &str) -> Result<&Arc<Partner>, Error> {
        if let Some(partner) = self.profiles.partner(name) {
            return Ok(partner);
        }
        self.source(name)?;
        let faults = self.problems_of(&[name.to_owned()]);
        let errors: Vec<&Problem> = faults.into_iter().filter(|p| p.is_error()).collect();
        let words = match errors.as_slice() {
            [] => {
                format!("{name} is there to be extended only: nothing of it is in force by itself")
            }
            [first, more @ ..] => {
                let more = match more.len() {
                    0 => String::new(),
                    more => format!("\n  and {more} more"),
                };
                format!(
                    "the profile {name} cannot be used\n  {first}{more}\n\
                     `crossdock partner check {name}` shows all with their lines"
                )
            }
        };
        Err(Error::Unknown(words))
    }

    /// A profile of the folder by its name.
    pub(super) fn source(&self, name: &str) -> Result<&ProfileSource, Error> {
        let found = self.own.iter().find(|source| source.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.own.iter().map(|source| source.name.as_str()).collect();
            let near = nearest(name, names.iter().copied());
            let mend = match (near, names.as_slice()) {
                (Some(near), _) => format!("did you mean {near}?"),
                (None, []) => "it holds none yet: `crossdock partner new NAME` begins one".into(),
                (None, _) => format!("there are {}", names.join(", ")),
            };
            let folder = self.folder.display();
            Error::Unknown(format!("{folder} has no profile {name}; {mend}"))
        })
    }

    /// Problems in the files of some profiles and of all that they extend.
    pub(super) fn problems_of(&self, names: &[String]) -> Vec<&Problem> {
        let mut folders: BTreeSet<&str> = BTreeSet::new();
        for name in names {
            let Some(source) = self.own.iter().find(|source| source.name == *name) else {
                continue;
            };
            folders.insert(&source.folder);
            let chain = self.profiles.partner(name).map(|partner| partner.chain.as_slice());
            for below in chain.unwrap_or_default() {
                let below = self.own.iter().find(|source| source.name == below.as_ref());
                folders.extend(below.map(|source| source.folder.as_str()));
            }
        }
        let inside = |problem: &Problem| {
            folders.iter().any(|folder| {
                let rest = problem.file.strip_prefix(folder);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        self.problems.iter().filter(|problem| inside(problem)).collect()
    }

    /// The text of a file that a problem names.
    pub(super) fn text(&self, file: &str) -> Option<&str> {
        self.own.iter().find_map(|source| {
            let path = file.strip_prefix(&source.folder)?.strip_prefix('/')?;
            let found = source.files.iter().find(|file| file.path.as_ref() == path)?;
            Some(found.text.as_str())
        })
    }
}

/// Whether a path is the folder of one profile.
pub(super) fn is_profile(path: &Path) -> bool {
    path.join(PARTNER_FILE).is_file()
}

/// `harbor-and-pine/partner.toml:12`: short enough for a table, and still one place.
pub(super) fn short(origin: &crate::profile::Origin) -> String {
    let file = origin.file.rsplit('/').next().unwrap_or_default();
    format!("{}/{file}:{}", origin.profile, origin.line)
}
