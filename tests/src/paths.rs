//! Where files are.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file or folder among the fixtures.
pub fn fixtures(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

/// A file or folder of the real models and texts beside the project, if they are there. Says so where they are not.
pub fn real_data(path: &str) -> Option<PathBuf> {
    let found = root().join("../shared/data").join(path);
    if found.exists() {
        return Some(found);
    }
    println!("SKIPPED: {} is not there, so nothing is compared with it", found.display());
    None
}

/// The program `dynasty`, built by the same profile as this test.
///
/// # Errors
/// It is not built; the message says how to.
pub fn built_program() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    // target/<profile>/deps/<test>
    let folder = own.parent().and_then(Path::parent).ok_or("the test has no folder")?;
    let program = folder.join(format!("dynasty{}", std::env::consts::EXE_SUFFIX));
    let profile = folder.file_name().unwrap_or_default().to_string_lossy().replace("debug", "dev");
    let missing = || format!("{} is missing: cargo build --profile {profile} --bin dynasty", program.display());
    program.exists().then_some(program.clone()).ok_or_else(missing)
}

/// An empty folder of its own for one test, removed with it.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes the folder.
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("dynasty-tests-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
