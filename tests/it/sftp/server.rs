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
    asks: Asks,
}

/// How it makes sure who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Key,
    Password,
    /// A question, to which the answer is the password (PAM).
    Question,
}

/// The password of a server that asks for one, and what stands for it in the system's file.
pub const PASSWORD: &str = "pine 4 harbor";
const SHADOW: &str = "root:$6$crossdock$1SfVda1wp4k8.9WIlRLkJywF.Ya6ZGWQmQ9A4sEyUiTks3pnboEQUA/Yzcw16GnN8/hm.OIyFQfxHcFnJHI9i/:20000:0:99999:7:::\n";
const PAM: &str =
    "auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n";
/// Lays files of ours over those of the system, for this server alone.
const OVERLAID: &str = "mount --bind \"$0/shadow\" /etc/shadow && mount --bind \"$0/pam\" /etc/pam.d/sshd && exec \"$@\"";

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
        Self::starting(Asks::Key)
    }

    /// One that lets root in by a password of ours. It sees other files than the rest of the system, which only root may
    /// have it do; nothing where that is not so.
    pub fn asking(asks: Asks) -> Option<Self> {
        let unshare = ["--mount", "--propagation", "private", "mount", "--bind", "/etc/shadow"];
        let tried = Command::new("unshare").args(unshare).arg("/etc/pam.d/sshd").output();
        tried.is_ok_and(|tried| tried.status.success()).then(|| Self::starting(asks))
    }

    fn starting(asks: Asks) -> Self {
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
        for (name, text) in [("shadow", SHADOW), ("pam", PAM), ("password", PASSWORD)] {
            fs::write(at(name), text).unwrap();
        }
        loop {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if let Some((child, log)) = serve(folder.path(), port, asks) {
                return Self { folder, child, log, port, asks };
            }
        }
    }

    /// The same server, started anew after its end.
    pub fn restart(&mut self) {
        self.stop();
        let (child, log) =
            serve(self.folder.path(), self.port, self.asks).expect("the port is its own");
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
            match self.asks {
                Asks::Key => format!("key = \"file:{}\"", key.display()),
                _ => format!("password = \"file:{}\"", self.at("password").display()),
            },
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
fn serve(folder: &Path, port: u16, asks: Asks) -> Option<(Child, Arc<Mutex<String>>)> {
    let is_root = run(Command::new("id").arg("-u")).trim() == "0";
    if is_root {
        fs::create_dir_all("/run/sshd").unwrap();
    }
    let at = |name: &str| folder.join(name).display().to_string();
    let yes = |way: Asks| if asks == way { "yes" } else { "no" };
    let mut lines = vec![
        format!("Port {port}"),
        "ListenAddress 127.0.0.1".to_owned(),
        format!("HostKey {}", at("host_key")),
        "PidFile none".to_owned(),
        format!("AuthorizedKeysFile {}", at("authorized_keys")),
        format!("PubkeyAuthentication {}", yes(Asks::Key)),
        format!("PasswordAuthentication {}", yes(Asks::Password)),
        format!("KbdInteractiveAuthentication {}", yes(Asks::Question)),
        format!("UsePAM {}", yes(Asks::Question)),
        "StrictModes no".to_owned(),
        "LogLevel VERBOSE".to_owned(),
        // Tests break connections; it is not to take that amiss.
        "MaxStartups 1000".to_owned(),
        "Subsystem sftp internal-sftp".to_owned(),
        format!("ForceCommand internal-sftp -d {}", at("home")),
    ];
    if is_root {
        let by = if asks == Asks::Key { "prohibit-password" } else { "yes" };
        lines.push(format!("PermitRootLogin {by}"));
    }
    let config = folder.join("sshd_config");
    // Known from OpenSSH 9.8 on.
    fs::write(&config, format!("{}\nPerSourcePenalties no\n", lines.join("\n"))).unwrap();
    let known = Command::new(SSHD).arg("-t").arg("-f").arg(&config).output().unwrap();
    if !known.status.success() {
        fs::write(&config, lines.join("\n") + "\n").unwrap();
    }
    let mut command = if asks == Asks::Key {
        Command::new(SSHD)
    } else {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", OVERLAID]).arg(folder);
        command.arg(SSHD);
        command
    };
    let mut child = command
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
