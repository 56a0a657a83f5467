//! `authsvc dev`: everything on one machine, with one command.

use std::io::{IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cryptokit::secret::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{CommandError, serve, system_clock};
use crate::app::{App, BoundSockets};
use crate::cli::DevArgs;
use crate::config::{Config, Overrides};
use crate::home::{self, CONFIG_FILE, Demo, HomeRequest, revocation_lists};
use crate::{lifecycle, telemetry};

const DEMO: Demo = Demo {
    service: "demo",
    subject_alternative_name: "dns:demo.internal",
    email: "dev@authsvc.localhost",
};

/// The ports of a development home, kept from the first run on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ports {
    public: u16,
    internal: u16,
    ops: u16,
}

impl Ports {
    /// What was asked for: for the first run free ports in place of zeros, afterwards the kept ones.
    fn settle(args: &DevArgs, kept: Option<Self>) -> std::io::Result<(Self, BoundSockets)> {
        let (public, public_socket) = settle(args.public_port, kept.map(|ports| ports.public), 8443)?;
        let (internal, internal_socket) = settle(args.internal_port, kept.map(|ports| ports.internal), 9443)?;
        let (ops, ops_socket) = settle(args.ops_port, kept.map(|ports| ports.ops), 9464)?;
        let sockets = BoundSockets {
            public: public_socket,
            internal: internal_socket,
            ops: ops_socket,
        };
        Ok((Self { public, internal, ops }, sockets))
    }
}

/// The issuer holds the port and never changes, so a free port is found before anything else, and held until it serves.
fn settle(asked: Option<u16>, kept: Option<u16>, default: u16) -> std::io::Result<(u16, Option<TcpListener>)> {
    match (asked, kept) {
        (None | Some(0), Some(kept)) => Ok((kept, None)),
        (Some(0), None) => {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            Ok((socket.local_addr()?.port(), Some(socket)))
        }
        (asked, _) => Ok((asked.unwrap_or(default), None)),
    }
}

pub(super) async fn run(args: DevArgs) -> Result<ExitCode, CommandError> {
    let ports_file = args.home.join("dev.json");
    let config_file = args.home.join(CONFIG_FILE);
    let first_run = !config_file.exists();
    let kept = if first_run {
        None
    } else {
        private_files::check_unchangeable(&config_file)?;
        Some(read_ports(&ports_file, &config_file)?)
    };
    let (ports, sockets) = Ports::settle(&args, kept)?;
    let password = if first_run {
        create(&args.home, ports).await?
    } else {
        None
    };
    let loopback = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string();
    let mut pairs = vec![
        ("public.address", loopback(ports.public)),
        ("internal.address", loopback(ports.internal)),
        ("ops.address", loopback(ports.ops)),
    ];
    if let Some(level) = &args.log_level {
        pairs.push(("log_level", level.clone()));
    }
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, text)| (*key, text.as_str())).collect();
    // The environment is left out: a setting meant for a server must not reach the development home.
    let config = Config::load(&config_file, std::iter::empty(), &Overrides::from_pairs(&pairs))?;
    telemetry::init(config.log_level);
    if let Err(error) = revocation_lists::renew(&args.home.join("pki"), system_clock().now()) {
        tracing::warn!(error = %error, "the revocation lists could not be renewed");
    }
    let stop = lifecycle::stop_signal()?;
    let hangups = lifecycle::hangup_signal()?;
    let app = App::start(&config, sockets).await?;
    // Only now: a port that could not be had is not kept.
    private_files::replace(&ports_file, serde_json::to_string(&ports)?.as_bytes())?;
    serve::log_start(&app.started, &config.tokens.issuer);
    let home = std::path::absolute(&args.home)?;
    let description = Description {
        home: &home,
        issuer: &config.tokens.issuer,
        ports,
        password: password.as_ref(),
    };
    let mut out = std::io::stdout();
    let text = if args.json {
        description.json()
    } else {
        description.prose(first_run, out.is_terminal())
    };
    // Whoever started this may not read what it says; it serves all the same.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    drop(password);
    Ok(serve::finish(app.run(stop, hangups).await))
}

async fn create(home: &Path, ports: Ports) -> Result<Option<SecretString>, CommandError> {
    let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let request = HomeRequest {
        database_url_file: None,
        directory: home.to_owned(),
        issuer: format!("https://localhost:{}", ports.public),
        public_address: loopback(ports.public),
        internal_address: loopback(ports.internal),
        ops_address: loopback(ports.ops),
        server_names: ["dns:localhost", "ip:127.0.0.1", "ip:::1"]
            .into_iter()
            .map(str::parse)
            .collect::<Result<_, _>>()?,
        clients: Vec::new(),
        default_audience: Some(DEMO.service.to_owned()),
        demo: Some(DEMO),
    };
    Ok(home::create(&request, &system_clock()).await?.password)
}

/// The ports of the last run, or those that the home was made with.
fn read_ports(ports_file: &Path, config_file: &Path) -> Result<Ports, CommandError> {
    if ports_file.exists() {
        let text = private_files::read(ports_file)?;
        return serde_json::from_str(&text)
            .map_err(|_| format!("{} does not hold the ports of a home", ports_file.display()).into());
    }
    let config = Config::load(config_file, std::iter::empty(), &Overrides::default())?;
    Ok(Ports {
        public: config.public.address.port(),
        internal: config.internal.address.port(),
        ops: config.ops_address.port(),
    })
}

/// What a person or a script needs to try things.
struct Description<'a> {
    home: &'a Path,
    issuer: &'a str,
    ports: Ports,
    password: Option<&'a SecretString>,
}

impl Description<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    fn json(&self) -> String {
        let mut line = json!({
            "public_url": format!("https://localhost:{}", self.ports.public),
            "internal_url": format!("https://localhost:{}", self.ports.internal),
            "ops_url": format!("http://127.0.0.1:{}", self.ports.ops),
            "issuer": self.issuer,
            "ca_file": self.file("pki/root.pem"),
            "client_cert_file": self.file("pki/demo/fullchain.pem"),
            "client_key_file": self.file("pki/demo/key.pem"),
            "login_file": self.file("login.json"),
            "email": DEMO.email,
            "password": self.password.map(SecretString::expose_secret),
        })
        .to_string();
        line.push('\n');
        line
    }

    fn prose(&self, first_run: bool, terminal: bool) -> String {
        let quoted = |name: &str| shell_quoted(&self.file(name));
        let (ca, login) = (quoted("pki/root.pem"), quoted("login.json"));
        let (certificate, key) = (quoted("pki/demo/fullchain.pem"), quoted("pki/demo/key.pem"));
        let public = format!("https://localhost:{}", self.ports.public);
        let internal = format!("https://localhost:{}", self.ports.internal);
        let json = "--header content-type:application/json";
        let curl = format!("curl --silent --cacert {ca}");
        let made = if first_run { "Made" } else { "Using" };
        let shown = match self.password {
            Some(password) if terminal => format!("  password {}\n", password.expose_secret()),
            _ => format!("  password in {login}\n"),
        };
        format!(
            "{made} {home}\n\n  user     {email}\n{shown}\n\
             Log in:\n\n  {curl} {json} --data @{login} {public}/v1/auth\n\n\
             Validate a token over mTLS, as the demo service:\n\n  \
             {curl} {json} --data @{login} {public}/v1/auth | sed -E 's/.*(\"token\":\"[^\"]*\").*/{{\\1}}/' | \
             {curl} --cert {certificate} --key {key} {json} --data @- {internal}/v1/validate-token\n\n\
             Fetch the public keys:\n\n  {curl} {public}/.well-known/jwks.json\n\n\
             See a login fail, and its line in the log below:\n\n  \
             {curl} {json} --data '{{\"email\":\"{email}\",\"password\":\"not the password\"}}' {public}/v1/auth\n\n\
             Health and metrics: http://127.0.0.1:{ops}/readyz and /metrics. Ctrl-C stops.\n",
            home = self.home.display(),
            email = DEMO.email,
            ops = self.ports.ops,
        )
    }
}

/// A path as one word of a shell.
fn shell_quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(&b)) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_a_shell() {
        assert_eq!(shell_quoted(Path::new("/a/b-c.d")), "/a/b-c.d");
        assert_eq!(shell_quoted(Path::new("/a b/$(x)")), "'/a b/$(x)'");
        assert_eq!(shell_quoted(Path::new("/it's")), r"'/it'\''s'");
    }
}
