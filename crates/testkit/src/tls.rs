//! Certificates that last for a test, made by the `openssl` command.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Nothing of the machine's own settings. Names and dates of a certificate come from the request and the command line.
const SETTINGS: &str = "[req]
distinguished_name = name
prompt = no
[name]
CN = replaced
[ca]
default_ca = here
[here]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
default_days = 30
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
";

/// Signs certificates. Its files lie in a folder of the caller's.
#[derive(Debug, Clone)]
pub struct Authority {
    folder: PathBuf,
}

/// A certificate and its private key, PEM files without a password.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key (PKCS 8).
    pub key: PathBuf,
}

impl Authority {
    /// Makes one whose files are in `folder`, which is made too.
    ///
    /// # Errors
    /// The folder cannot be written, or `openssl` is missing or refuses: the message has its own words.
    pub fn new(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let authority = Self {
            folder: folder.to_owned(),
        };
        fs::write(folder.join("openssl.cnf"), SETTINGS)?;
        fs::write(folder.join("index.txt"), "")?;
        let own = ["-x509", "-days", "30", "-out", "ca.pem", "-subj", "/CN=ca"];
        authority.request("ca.key", &own, "basicConstraints = critical, CA:TRUE")?;
        Ok(authority)
    }

    /// What clients name in `ssl.ca.location`.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A certificate for a name, and as a server for `hosts` (`IP:127.0.0.1`, `DNS:localhost`).
    ///
    /// # Errors
    /// As [`Authority::new`].
    pub fn issue(&self, name: &str, hosts: &str) -> io::Result<Certificate> {
        self.issue_as(name, hosts, &[])
    }

    /// The same; it expired years ago.
    ///
    /// # Errors
    /// As [`Authority::new`].
    pub fn issue_expired(&self, name: &str, hosts: &str) -> io::Result<Certificate> {
        let dates = ["-startdate", "200101000000Z", "-enddate", "200102000000Z"];
        self.issue_as(name, hosts, &dates)
    }

    fn issue_as(&self, name: &str, hosts: &str, dates: &[&str]) -> io::Result<Certificate> {
        let [certificate, key, request] =
            ["pem", "key", "csr"].map(|kind| format!("{name}.{kind}"));
        let subject = format!("/CN={name}");
        self.request(
            &key,
            &["-out", &request, "-subj", &subject],
            &format!("subjectAltName = {hosts}"),
        )?;
        let sign = ["ca", "-batch", "-notext", "-config", "openssl.cnf"];
        let authority = ["-cert", "ca.pem", "-keyfile", "ca.key"];
        let files = ["-in", &request, "-out", &certificate];
        self.openssl([&sign[..], &authority, &files, dates].concat())?;
        Ok(Certificate {
            certificate: self.folder.join(certificate),
            key: self.folder.join(key),
        })
    }

    /// Makes a key, and a request or a certificate for it.
    fn request(&self, key: &str, what: &[&str], extension: &str) -> io::Result<()> {
        let new = ["req", "-config", "openssl.cnf", "-newkey", "ec", "-nodes"];
        let curve = ["-pkeyopt", "ec_paramgen_curve:P-256"];
        let more = ["-keyout", key, "-addext", extension];
        self.openssl([&new[..], &curve, &more, what].concat())
    }

    fn openssl(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> io::Result<()> {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(&self.folder)
            .output()
            .map_err(|error| io::Error::new(error.kind(), format!("openssl: {error}")))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(io::Error::other(format!("openssl: {said}")))
    }
}
