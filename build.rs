//! Grammars, maps, hypotheses and profiles are part of the program: where one of their files is new, changed or gone,
//! it is built again.
//! (`include_dir!` alone sees changes of the files that it found, and no new ones.)

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for folder in ["grammars", "maps", "hypotheses", "partner-profiles"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
