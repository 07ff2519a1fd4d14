//! A proxy between a client and its server. It counts round trips and can inject a fault at one of them.
//!
//! It finds the ends of requests and answers in the protocols:
//! <https://www.postgresql.org/docs/current/protocol-message-formats.html>,
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html>.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::Database;

/// A fault at a statement, counted from 1.
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) kind: FaultKind,
}

pub(crate) enum FaultKind {
    /// Corrupts the SQL, so that the server refuses it.
    Spoil,
    /// Runs instead of forwarding the request.
    Before(Box<dyn FnOnce() + Send>),
    /// Runs after the server's answer, before it is forwarded.
    After(Box<dyn FnOnce() + Send>),
}

#[derive(Default)]
struct State {
    round_trips: AtomicUsize,
    /// The number of requests that run a statement.
    statements: AtomicUsize,
    fault: Mutex<Option<Fault>>,
    /// Runs when the server's next answer is complete.
    after: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// The local port of the newest connection to the server.
    port: AtomicUsize,
}

pub(crate) struct Proxy {
    address: String,
    state: Arc<State>,
}

impl Proxy {
    /// Starts a proxy in front of a database's server.
    pub(crate) fn new(db: &Database) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State::default());
        let (of_all, server, is_postgres) = (state.clone(), address_of(db), db.engine.is_postgres());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&server) else {
                    return;
                };
                let port = server.local_addr().unwrap().port();
                of_all.port.store(usize::from(port), Ordering::SeqCst);
                // Disables Nagle's algorithm.
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (state, back) = (of_all.clone(), of_all.clone());
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = requests(&state, is_postgres, &from, &to);
                    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
                });
                thread::spawn(move || {
                    let _ = answers(&back, is_postgres, &server, &client);
                    let _ = (server.shutdown(Shutdown::Both), client.shutdown(Shutdown::Both));
                });
            }
        });
        Proxy { address, state }
    }

    pub(crate) fn url(&self, db: &Database) -> String {
        let (scheme, rest) = db.server().split_once("://").unwrap();
        let user = rest.rsplit_once('@').map(|(user, _)| user);
        let user = user.unwrap_or(db.engine.pick("", "postgres", "root"));
        // The proxy cannot read an encrypted connection.
        let plain = db.engine.pick("", "?sslmode=disable&gssencmode=disable", "");
        format!("{scheme}://{user}@{}/{}{plain}", self.address, db.name())
    }

    /// Resets the counters.
    pub(crate) fn begin(&self) {
        self.state.round_trips.store(0, Ordering::SeqCst);
        self.state.statements.store(0, Ordering::SeqCst);
    }

    pub(crate) fn round_trips(&self) -> usize {
        self.state.round_trips.load(Ordering::SeqCst)
    }

    pub(crate) fn statements(&self) -> usize {
        self.state.statements.load(Ordering::SeqCst)
    }

    /// Sets a fault at a statement, counted from `begin`.
    pub(crate) fn set(&self, fault: Fault) {
        *self.state.fault.lock().unwrap() = Some(fault);
    }

    /// Returns true if the fault has happened.
    pub(crate) fn has_met_fault(&self) -> bool {
        self.state.fault.lock().unwrap().is_none()
    }

    /// Ends the server session of the newest connection.
    pub(crate) fn terminates(&self, db: &Database) -> Box<dyn FnOnce() + Send> {
        let (state, url, engine) = (self.state.clone(), db.url(), db.engine);
        Box::new(move || {
            let port = state.port.load(Ordering::SeqCst);
            let mut other = crate::support::AnyConnection::open(&url);
            if engine.is_postgres() {
                let query = format!(
                    "SELECT pg_terminate_backend(pid)::text AS text FROM pg_stat_activity WHERE client_port = {port}"
                );
                assert_eq!(other.texts(&query), ["true"]);
                // Waits until the session has ended.
                let is_there = format!("SELECT pid::text AS text FROM pg_stat_activity WHERE client_port = {port}");
                while !other.texts(&is_there).is_empty() {}
            } else {
                let id = "SELECT cast(id AS char) AS text FROM information_schema.processlist WHERE host";
                let of_port = format!("{id} LIKE '%:{port}'");
                for id in other.texts(&of_port) {
                    other.execute(&format!("KILL {id}"));
                }
                while !other.texts(&of_port).is_empty() {}
            }
        })
    }
}

/// The host and port of a database's server.
fn address_of(db: &Database) -> String {
    let (_, rest) = db.server().split_once("://").unwrap();
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    match host.contains(':') {
        true => host.to_owned(),
        false => format!("{host}:{}", db.engine.pick("", "5432", "3306")),
    }
}

/// Forwards the client's messages, request by request.
fn requests(state: &State, is_postgres: bool, from: &TcpStream, mut to: &TcpStream) -> std::io::Result<()> {
    let mut is_started = !is_postgres;
    loop {
        let mut request = Vec::new();
        // Reads until the client waits for an answer.
        let ends = loop {
            let begin = request.len();
            let kind = if is_postgres {
                read_postgres(from, &mut request, &mut is_started)?
            } else {
                read_mysql(from, &mut request)?
            };
            match kind {
                Kind::Part => {}
                Kind::Unanswered => {
                    to.write_all(&request[begin..])?;
                    request.truncate(begin);
                }
                other => break other,
            }
        };
        if matches!(ends, Kind::Request | Kind::Statement) {
            state.round_trips.fetch_add(1, Ordering::SeqCst);
        }
        if ends == Kind::Statement {
            let number = state.statements.fetch_add(1, Ordering::SeqCst) + 1;
            let mut fault = state.fault.lock().unwrap();
            let is_due = fault.as_ref().is_some_and(|fault| fault.at == number);
            match fault.take_if(|_| is_due).map(|fault| fault.kind) {
                None => {}
                Some(FaultKind::Spoil) => spoil(&mut request, is_postgres),
                Some(FaultKind::Before(act)) => {
                    act();
                    return Ok(());
                }
                Some(FaultKind::After(act)) => *state.after.lock().unwrap() = Some(act),
            }
        }
        to.write_all(&request)?;
    }
}

/// Forwards the server's messages. Work after an answer runs before its end is forwarded.
fn answers(state: &State, is_postgres: bool, mut from: &TcpStream, mut to: &TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    let mut tail = Vec::new();
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let bytes = &buffer[..length];
        tail.extend_from_slice(bytes);
        tail.drain(..tail.len().saturating_sub(6));
        // ReadyForQuery ends each answer of PostgreSQL; the first packet of MySQL arrives after the statement ran.
        let is_complete = !is_postgres || (tail.len() == 6 && tail[0] == b'Z' && tail[1..5] == [0, 0, 0, 5]);
        if is_complete && let Some(act) = state.after.lock().unwrap().take() {
            act();
        }
        to.write_all(bytes)?;
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Another message of the request follows.
    Part,
    /// A request that the server answers.
    Request,
    /// A request that runs a statement.
    Statement,
    /// A message of the connection's start.
    Start,
    /// A message without an answer.
    Unanswered,
}

fn read_postgres(mut from: &TcpStream, request: &mut Vec<u8>, is_started: &mut bool) -> std::io::Result<Kind> {
    let begin = request.len();
    let head = if *is_started { 5 } else { 4 };
    request.resize(begin + head, 0);
    from.read_exact(&mut request[begin..])?;
    let length = u32::from_be_bytes(request[begin + head - 4..][..4].try_into().unwrap()) as usize;
    let body = request.len();
    request.resize(body + length - 4, 0);
    from.read_exact(&mut request[body..])?;
    if !*is_started {
        // Requests for encryption precede the startup message.
        let is_wish = request[body..].starts_with(&80_877_103_u32.to_be_bytes())
            || request[body..].starts_with(&80_877_104_u32.to_be_bytes());
        *is_started = !is_wish;
        return Ok(Kind::Start);
    }
    Ok(match request[begin] {
        b'Q' | b'S' => Kind::Statement,
        b'p' => Kind::Start,
        b'X' => Kind::Unanswered,
        _ => Kind::Part,
    })
}

fn read_mysql(mut from: &TcpStream, request: &mut Vec<u8>) -> std::io::Result<Kind> {
    let begin = request.len();
    request.resize(begin + 4, 0);
    from.read_exact(&mut request[begin..])?;
    let head = &request[begin..];
    let length = usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16;
    let number = head[3];
    request.resize(begin + 4 + length, 0);
    from.read_exact(&mut request[begin + 4..])?;
    if number > 0 {
        return Ok(Kind::Start);
    }
    Ok(match request.get(begin + 4) {
        // COM_QUERY, COM_STMT_EXECUTE
        Some(0x03 | 0x17) => Kind::Statement,
        // COM_QUIT, COM_STMT_CLOSE
        Some(0x01 | 0x19) => Kind::Unanswered,
        _ => Kind::Request,
    })
}

/// Corrupts the text of a simple query or of a statement to prepare. For a prepared statement it corrupts the name or
/// number, which the server then does not know.
fn spoil(request: &mut [u8], is_postgres: bool) {
    let after_name = |begin: usize| begin + request[begin..].iter().position(|byte| *byte == 0).unwrap() + 1;
    let (spoilt, with) = match (is_postgres, request[if is_postgres { 0 } else { 4 }]) {
        (true, b'Q') => (5..8, b'!'),
        // Parse: the statement's name and text. Bind: the portal's name and the statement's.
        (true, b'P' | b'B') => (after_name(5)..after_name(5) + 3, b'!'),
        (false, 0x03) => (5..request.len().min(8), b'!'),
        (false, 0x17) => (5..9, 0x7f),
        (_, kind) => panic!("a statement that cannot be spoilt: {kind:#x}"),
    };
    request[spoilt].fill(with);
}
