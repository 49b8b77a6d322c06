//! A line between a mailbox and its server on which things go wrong, at a chosen byte.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends.
    Reset,
    /// Nothing passes any more, and nobody says so.
    Stall,
    /// What was asked for is done, and the answer is lost with the connection.
    CutBeforeReply,
    /// A few hundred bytes pass one by one.
    Drip,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Passes,
    Stalled,
    LosesReply,
    Drips(u32),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Towards {
    Server,
    Client,
}

#[derive(Default)]
struct State {
    armed: Option<(Fault, u64)>,
    /// Bytes since then, both ways together.
    moved: u64,
    fired: usize,
    open: Vec<TcpStream>,
}

pub struct Proxy {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                carry(&client, &server, &shared);
            }
        });
        Self { port, state }
    }

    /// Lets something go wrong once so many bytes have passed from now on.
    pub fn arm(&self, fault: Fault, at: u64) {
        let mut state = self.state.lock().unwrap();
        (state.armed, state.moved) = (Some((fault, at)), 0);
    }

    /// Ends every connection that there is.
    pub fn hang_up(&self) {
        for stream in self.state.lock().unwrap().open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// How often something went wrong.
    pub fn fired(&self) -> usize {
        self.state.lock().unwrap().fired
    }
}

fn carry(client: &TcpStream, server: &TcpStream, state: &Arc<Mutex<State>>) {
    let mode = Arc::new(Mutex::new(Mode::Passes));
    let clone = |stream: &TcpStream| {
        stream.set_nodelay(true).unwrap();
        stream.try_clone().unwrap()
    };
    state.lock().unwrap().open.extend([clone(client), clone(server)]);
    for (from, to, towards) in
        [(client, server, Towards::Server), (server, client, Towards::Client)]
    {
        let (from, to) = (clone(from), clone(to));
        let (mode, state) = (Arc::clone(&mode), Arc::clone(state));
        thread::spawn(move || {
            pump(&from, &to, towards, &mode, &state);
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}

/// Passes bytes on until one side ends, or the line.
fn pump(
    mut from: &TcpStream,
    mut to: &TcpStream,
    towards: Towards,
    mode: &Mutex<Mode>,
    state: &Mutex<State>,
) {
    let mut buffer = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let mut bytes = &buffer[..count];
        if *mode.lock().unwrap() == Mode::Passes
            && let Some((fault, passed)) = fire(state, count)
        {
            *mode.lock().unwrap() = match fault {
                Fault::Reset => {
                    let _ = to.write_all(&bytes[..passed]);
                    return;
                }
                Fault::Stall => {
                    let _ = to.write_all(&bytes[..passed]);
                    bytes = &[];
                    Mode::Stalled
                }
                Fault::CutBeforeReply => Mode::LosesReply,
                Fault::Drip => Mode::Drips(300),
            };
        }
        let now = *mode.lock().unwrap();
        let written = match now {
            Mode::Stalled => Ok(()),
            Mode::LosesReply if towards == Towards::Client => return,
            Mode::Passes | Mode::LosesReply => to.write_all(bytes),
            Mode::Drips(left) => drip(to, bytes, left).map(|left| {
                *mode.lock().unwrap() = if left == 0 { Mode::Passes } else { Mode::Drips(left) };
            }),
        };
        if written.is_err() {
            return;
        }
    }
}

/// Whether it is time; then what, and how many bytes still pass.
fn fire(state: &Mutex<State>, count: usize) -> Option<(Fault, usize)> {
    let mut state = state.lock().unwrap();
    let before = state.moved;
    state.moved += count as u64;
    let (fault, at) = state.armed.filter(|(_, at)| *at < state.moved)?;
    state.armed = None;
    state.fired += 1;
    Some((fault, usize::try_from(at.saturating_sub(before)).unwrap()))
}

fn drip(mut to: &TcpStream, bytes: &[u8], left: u32) -> std::io::Result<u32> {
    let slow = bytes.len().min(left as usize);
    for byte in &bytes[..slow] {
        to.write_all(&[*byte])?;
        thread::sleep(Duration::from_micros(200));
    }
    to.write_all(&bytes[slow..])?;
    Ok(left - u32::try_from(slow).unwrap())
}
