//! A real OpenSSH server on a free port of loopback, for one test.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crossdock::profile::Sftp;

use crate::house::PROFILE;
use crate::profiles;

const SSHD: &str = "/usr/sbin/sshd";

/// A server whose home folder is `home`.
pub struct Server {
    folder: tempfile::TempDir,
    child: Child,
    log: Arc<Mutex<String>>,
    pub port: u16,
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub fn make_key(path: &Path, kind: &str, passphrase: &str) {
    let arguments = ["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f"];
    run(Command::new("ssh-keygen").args(arguments).arg(path));
}

impl Server {
    pub fn start() -> Self {
        assert!(
            Path::new(SSHD).exists(),
            "{SSHD} is missing, and with it a server to test SFTP mailboxes with. On Debian and Ubuntu: apt install \
             openssh-server (it need not run)"
        );
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("home")).unwrap();
        make_key(&at("host_key"), "ed25519", "");
        make_key(&at("user_key"), "ed25519", "");
        fs::copy(at("user_key.pub"), at("authorized_keys")).unwrap();
        loop {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if let Some((child, log)) = serve(folder.path(), port) {
                return Self { folder, child, log, port };
            }
        }
    }

    /// The same server, started anew after its end.
    pub fn restart(&mut self) {
        self.stop();
        let (child, log) = serve(self.folder.path(), self.port).expect("the port is its own");
        (self.child, self.log) = (child, log);
    }

    /// Shows another key from its next start on.
    pub fn change_key(&self) {
        for name in ["host_key", "host_key.pub"] {
            fs::remove_file(self.at(name)).unwrap();
        }
        make_key(&self.at("host_key"), "ed25519", "");
    }

    /// Ends it: nobody can connect any more.
    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path in its home folder.
    pub fn home(&self, name: &str) -> PathBuf {
        self.at("home").join(name)
    }

    /// Puts a file into its home folder.
    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.home(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Names of what is in a folder of its home.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.home(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The fingerprint of its key, as `ssh-keygen` shows it.
    pub fn fingerprint(&self) -> String {
        let shown = run(Command::new("ssh-keygen").arg("-lf").arg(self.at("host_key.pub")));
        shown.split(' ').nth(1).unwrap().to_owned()
    }

    /// `[mailbox.sftp]` for it, with more lines.
    pub fn section(&self, port: u16, more: &str) -> String {
        let (key, pin) = (self.at("user_key"), self.fingerprint());
        let mut lines = vec![
            "host = \"127.0.0.1\"".to_owned(),
            format!("port = {port}"),
            format!("user = \"{}\"", user()),
            format!("key = \"file:{}\"", key.display()),
            format!("host_keys = [\"{pin}\"]"),
            "connect_timeout = \"20s\"".to_owned(),
        ];
        // What is said there is not said here.
        lines.retain(|line| {
            let (key, _) = line.split_once(" = ").unwrap();
            !more.lines().any(|other| other.trim().starts_with(&format!("{key} = ")))
        });
        format!("[mailbox.sftp]\n{}\n{more}\n", lines.join("\n"))
    }

    /// The settings of a mailbox on it.
    pub fn settings(&self, more: &str) -> Arc<Sftp> {
        self.settings_at(self.port, more)
    }

    pub fn settings_at(&self, port: u16, more: &str) -> Arc<Sftp> {
        settings_of(&self.section(port, more))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Who runs the tests: a server that is not root lets nobody else in.
fn user() -> String {
    run(Command::new("id").arg("-un")).trim().to_owned()
}

/// The settings that a section of a profile comes to.
pub fn settings_of(section: &str) -> Arc<Sftp> {
    let text = format!("{PROFILE}\n{section}");
    let (profiles, problems) =
        profiles::read(&[profiles::source("harbor-and-pine", &[("partner.toml", &text)])]);
    let errors: Vec<String> =
        problems.iter().filter(|p| p.is_error()).map(ToString::to_string).collect();
    let partner = profiles.partner("harbor-and-pine").unwrap_or_else(|| panic!("{errors:#?}"));
    assert_eq!(errors, [""; 0]);
    Arc::clone(partner.mailbox.sftp.as_ref().unwrap())
}

/// Starts it; nothing where the port has been taken meanwhile.
fn serve(folder: &Path, port: u16) -> Option<(Child, Arc<Mutex<String>>)> {
    let is_root = run(Command::new("id").arg("-u")).trim() == "0";
    if is_root {
        fs::create_dir_all("/run/sshd").unwrap();
    }
    let at = |name: &str| folder.join(name).display().to_string();
    let mut lines = vec![
        format!("Port {port}"),
        "ListenAddress 127.0.0.1".to_owned(),
        format!("HostKey {}", at("host_key")),
        "PidFile none".to_owned(),
        format!("AuthorizedKeysFile {}", at("authorized_keys")),
        "PasswordAuthentication no".to_owned(),
        "KbdInteractiveAuthentication no".to_owned(),
        "UsePAM no".to_owned(),
        "StrictModes no".to_owned(),
        "LogLevel VERBOSE".to_owned(),
        // Tests break connections; it is not to take that amiss.
        "MaxStartups 1000".to_owned(),
        "Subsystem sftp internal-sftp".to_owned(),
        format!("ForceCommand internal-sftp -d {}", at("home")),
    ];
    if is_root {
        lines.push("PermitRootLogin prohibit-password".to_owned());
    }
    let config = folder.join("sshd_config");
    // Known from OpenSSH 9.8 on.
    fs::write(&config, format!("{}\nPerSourcePenalties no\n", lines.join("\n"))).unwrap();
    let known = Command::new(SSHD).arg("-t").arg("-f").arg(&config).output().unwrap();
    if !known.status.success() {
        fs::write(&config, lines.join("\n") + "\n").unwrap();
    }
    let mut child = Command::new(SSHD)
        .args(["-D", "-e", "-f"])
        .arg(&config)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut begun = String::new();
    while !begun.contains("Server listening on") {
        let Some(Ok(line)) = lines.next() else {
            child.wait().unwrap();
            assert!(begun.contains("Address already in use"), "sshd does not start:\n{begun}");
            return None;
        };
        begun = format!("{begun}{line}\n");
    }
    let log = Arc::new(Mutex::new(begun));
    let written = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            writeln!(written.lock().unwrap(), "{line}").unwrap();
        }
    });
    Some((child, log))
}
