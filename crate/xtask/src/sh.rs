//! Running commands: one announced line each, and the seconds it took.

use std::{
    ffi::OsStr,
    fmt,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};

/// The root of the project.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// The folder of all that is built: the one in which this program itself lies.
///
/// # Errors
/// The system does not tell where this program lies.
pub fn target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.ancestors().nth(2).context("this program lies outside of a target folder")?.to_path_buf())
}

/// A command to run in the project's root.
pub struct Sh {
    command: Command,
    shown: String,
}

impl Sh {
    /// A command without arguments. The name is looked up in `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(&program);
        command.current_dir(root());
        Self { command, shown: program.as_ref().to_string_lossy().into_owned() }
    }

    /// This project's native cargo: the one that runs this program.
    pub fn cargo() -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())).named("cargo")
    }

    /// Shows this name instead of the program's path.
    fn named(mut self, name: &str) -> Self {
        self.shown = name.to_owned();
        self
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.shown.push(' ');
        self.shown.push_str(&arg.as_ref().to_string_lossy());
        self.command.arg(arg);
        self
    }

    /// Adds the words of a line, which are separated by blanks.
    pub fn words(self, line: &str) -> Self {
        line.split_whitespace().fold(self, Self::arg)
    }

    /// Adds arguments.
    pub fn args(self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Removes environment variables that cargo set for this program and that would mislead the next one.
    pub fn env_remove(mut self, names: &[&str]) -> Self {
        for name in names {
            self.command.env_remove(name);
        }
        self
    }

    /// Runs in this folder instead of the root.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Runs it with its output shown.
    ///
    /// # Errors
    /// It cannot be started, or ends with another code than 0.
    pub fn run(mut self) -> Result<()> {
        println!("$ {}", self.shown);
        std::io::stdout().flush()?;
        let status = self.command.status().with_context(|| format!("cannot start `{}`", self.shown))?;
        if status.success() { Ok(()) } else { bail!("`{}` ended with {status}", self.shown) }
    }

    /// Runs it without a word, and returns what it wrote to its standard output.
    ///
    /// # Errors
    /// It cannot be started, or ends with another code than 0; the message ends with the last line of its standard error.
    pub fn read(mut self) -> Result<String> {
        let output = self.command.output().with_context(|| format!("cannot start `{}`", self.shown))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            bail!("`{}` ended with {}: {}", self.shown, output.status, text.trim().lines().last().unwrap_or(""));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it with its output shown, and calls `line` with each line of its standard output.
    ///
    /// # Errors
    /// It cannot be started, or ends with another code than 0.
    pub fn watch(mut self, mut line: impl FnMut(&str)) -> Result<()> {
        println!("$ {}", self.shown);
        let mut child =
            self.command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{}`", self.shown))?;
        let mut out = std::io::stdout();
        for_each_line(&mut child, |text| {
            line(text);
            // A reader that went away must not end the tests.
            let _ = writeln!(out, "{text}");
        })?;
        let status = child.wait()?;
        if status.success() { Ok(()) } else { bail!("`{}` ended with {status}", self.shown) }
    }
}

fn for_each_line(child: &mut Child, mut line: impl FnMut(&str)) -> Result<()> {
    let Some(out) = child.stdout.take() else { return Ok(()) };
    let mut out = BufReader::new(out);
    let mut bytes = Vec::new();
    while out.by_ref().read_until(b'\n', &mut bytes)? > 0 {
        line(String::from_utf8_lossy(&bytes).trim_end());
        bytes.clear();
    }
    Ok(())
}

/// Whether a program of this name is in `PATH`.
pub fn has(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// Seconds since it was made, printed as `12.3 s`.
pub struct Seconds(Instant);

impl Seconds {
    /// Starts to count.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The seconds so far.
    pub fn so_far(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.so_far())
    }
}
