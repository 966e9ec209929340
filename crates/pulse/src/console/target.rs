//! Whom to connect to, and as whom: everything that is known before the first connection.

use std::{env, fs, net::IpAddr};

use super::{ConsoleError, options::ConnectArgs};

/// The variable with the token: arguments are seen by everybody on the machine.
pub(crate) const TOKEN_VARIABLE: &str = "PULSE_TOKEN";

/// A service, and what is needed to be let in.
#[derive(Clone)]
pub(crate) struct Target {
    /// As it is shown.
    pub(crate) address: String,
    /// As the transport wants it.
    pub(crate) uri: String,
    pub(crate) token: Option<String>,
    pub(crate) tls: Option<Tls>,
}

/// Whom to trust.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) authority: Vec<u8>,
    pub(crate) name: Option<String>,
}

impl Target {
    /// Reads the files that are named. It connects to nothing.
    pub(crate) fn new(options: &ConnectArgs) -> Result<Self, ConsoleError> {
        let address = options.connect.clone().ok_or(ConsoleError::NoAddress)?;
        let place = Place::parse(&address)?;
        let authority = options.ca.as_ref().map(|path| {
            fs::read(path).map_err(|source| ConsoleError::File {
                path: path.clone(),
                option: "--ca",
                source,
            })
        });
        let encrypted = place.asks_for_tls() || options.ca.is_some();
        let tls = match authority.transpose()? {
            Some(authority) => Some(Tls { authority, name: options.tls_name.clone() }),
            None if place.asks_for_tls() => return Err(ConsoleError::NoAuthority(address)),
            None => None,
        };
        let token = token(options)?;
        if token.is_some() && !encrypted && !place.is_on_this_machine() && !options.insecure {
            return Err(ConsoleError::Exposed(address));
        }
        Ok(Self { uri: place.uri(encrypted), address, token, tls })
    }
}

fn token(options: &ConnectArgs) -> Result<Option<String>, ConsoleError> {
    let text = match &options.token_file {
        Some(path) => fs::read_to_string(path).map_err(|source| ConsoleError::File {
            path: path.clone(),
            option: "--token-file",
            source,
        })?,
        None => match env::var(TOKEN_VARIABLE) {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConsoleError::Token);
    }
    Ok(Some(token.to_owned()))
}

/// An address, taken apart.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Unix(String),
    Network { host: String, port: u16, tls: bool },
}

impl Place {
    fn parse(given: &str) -> Result<Self, ConsoleError> {
        let wrong = |detail: &str| ConsoleError::Address {
            given: given.to_owned(),
            detail: detail.to_owned(),
        };
        if let Some(path) = given.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(wrong("it has no path"));
            }
            return Ok(Self::Unix(path.to_owned()));
        }
        if given.starts_with(['/', '.']) {
            return Ok(Self::Unix(given.to_owned()));
        }
        let (tls, rest) = match given.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            Some(_) => return Err(wrong("there is no such scheme")),
            None => (false, given),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| wrong("it has no port"))?;
        let port = port.parse().map_err(|_| wrong("the port is no number from 1 to 65535"))?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
        let sound = bare.parse::<IpAddr>().is_ok() || bare.chars().all(is_name);
        if bare.is_empty() || !sound || port == 0 {
            return Err(wrong("it has no host, or no port"));
        }
        Ok(Self::Network { host: bare.to_owned(), port, tls })
    }

    fn asks_for_tls(&self) -> bool {
        matches!(self, Self::Network { tls: true, .. })
    }

    fn is_on_this_machine(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Network { host, .. } => match host.parse::<IpAddr>() {
                Ok(address) => address.is_loopback(),
                Err(_) => host == "localhost",
            },
        }
    }

    fn uri(&self, encrypted: bool) -> String {
        match self {
            Self::Unix(path) => format!("unix:{path}"),
            Self::Network { host, port, .. } => {
                let scheme = if encrypted { "https" } else { "http" };
                let colons = host.contains(':');
                let host = if colons { format!("[{host}]") } else { host.clone() };
                format!("{scheme}://{host}:{port}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(connect: &str) -> ConnectArgs {
        let connect = Some(connect.to_owned());
        ConnectArgs { connect, token_file: None, ca: None, tls_name: None, insecure: false }
    }

    #[test]
    fn addresses_as_people_write_them() {
        for (given, uri) in [
            ("127.0.0.1:7", "http://127.0.0.1:7"),
            ("localhost:7", "http://localhost:7"),
            ("http://host:7/", "http://host:7"),
            ("https://host:7", "https://host:7"),
            ("[::1]:7", "http://[::1]:7"),
            ("unix:/run/a.sock", "unix:/run/a.sock"),
            ("unix:///run/a.sock", "unix:/run/a.sock"),
            ("/run/a.sock", "unix:/run/a.sock"),
            ("./a.sock", "unix:./a.sock"),
        ] {
            let place = Place::parse(given).unwrap();
            assert_eq!(place.uri(place.asks_for_tls()), uri, "{given}");
        }
        for given in
            ["", "host", "host:", "host:0", "host:65536", ":7", "ftp://a:1", "unix:", "a b:1"]
        {
            let error = Place::parse(given).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{given}: {error}");
        }
    }

    #[test]
    fn https_needs_an_authority_and_a_token_needs_encryption() {
        let error = Target::new(&options("https://host:7")).err().unwrap();
        assert!(error.to_string().contains("--ca"), "{error}");

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "secret-word\n").unwrap();
        let mut remote = options("host:7");
        remote.token_file = Some(file.clone());
        let error = Target::new(&remote).err().unwrap();
        assert!(error.to_string().contains("--insecure"), "{error}");
        remote.insecure = true;
        assert_eq!(Target::new(&remote).ok().unwrap().token.as_deref(), Some("secret-word"));
        remote.insecure = false;
        remote.connect = Some("127.0.0.1:7".to_owned());
        assert!(Target::new(&remote).is_ok());

        std::fs::write(&file, "two words").unwrap();
        assert!(matches!(Target::new(&remote), Err(ConsoleError::Token)));
        remote.token_file = Some(folder.path().join("none"));
        assert_eq!(Target::new(&remote).err().unwrap().exit_code(), 3);
    }
}
