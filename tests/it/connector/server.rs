//! An HTTP server on loopback that answers as the test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A call that came.
#[derive(Debug, Clone)]
pub struct Called {
    pub method: String,
    /// With the query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Called {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// What becomes of a call.
pub enum Reply {
    /// Status with reason and further header lines, and a body.
    Answer(String, String),
    /// An answer as it came from elsewhere.
    Raw(Vec<u8>),
    /// The connection ends without a word.
    Nothing,
}

impl Reply {
    pub fn ok(body: &serde_json::Value) -> Self {
        Self::Answer("200 OK".to_owned(), body.to_string())
    }

    pub fn status(head: &str) -> Self {
        Self::Answer(head.to_owned(), String::new())
    }
}

/// The server, and the calls that it got.
#[derive(Clone)]
pub struct Server {
    pub address: SocketAddr,
    calls: Arc<Mutex<Vec<Called>>>,
}

impl Server {
    /// One that asks `answer` for each call; it lives as long as the test.
    pub fn start(answer: impl Fn(&Called) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), calls: Arc::default() };
        let (calls, answer) = (Arc::clone(&server.calls), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (calls, answer) = (Arc::clone(&calls), Arc::clone(&answer));
                std::thread::spawn(move || serve(&stream, &calls, &*answer));
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn calls(&self) -> Vec<Called> {
        self.calls.lock().unwrap().clone()
    }

    /// `POST /orders`, one a call.
    pub fn lines(&self) -> Vec<String> {
        self.calls().iter().map(|call| format!("{} {}", call.method, call.path)).collect()
    }
}

/// Hands a call on to another server, and takes its answer.
pub fn forward(call: &Called, address: &str) -> Reply {
    let Ok(mut stream) = TcpStream::connect(address) else { return Reply::Nothing };
    let mut head = format!("{} {} HTTP/1.1\r\n", call.method, call.path);
    for (name, value) in call.headers.iter().filter(|(name, _)| name != "connection") {
        head += name;
        head += ": ";
        head += value;
        head += "\r\n";
    }
    head.push_str("connection: close\r\n\r\n");
    let mut bytes = Vec::new();
    let sent = stream.write_all(head.as_bytes());
    let sent = sent.and_then(|()| stream.write_all(call.body.as_bytes()));
    match sent.and_then(|()| stream.read_to_end(&mut bytes)) {
        Ok(_) => Reply::Raw(bytes),
        Err(_) => Reply::Nothing,
    }
}

fn serve(stream: &TcpStream, calls: &Mutex<Vec<Called>>, answer: &dyn Fn(&Called) -> Reply) {
    let Some(call) = read(stream) else { return };
    calls.lock().unwrap().push(call.clone());
    let mut stream = stream;
    let reply = answer(&call);
    if let Reply::Raw(bytes) = &reply {
        let _ = stream.write_all(bytes);
    }
    if let Reply::Answer(head, body) = reply {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    }
    let _ = stream.shutdown(Shutdown::Both);
}

/// Reads a request; nothing where the other side has gone.
pub fn read(stream: &TcpStream) -> Option<Called> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.and_then(|(_, length)| length.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Called { method, path, headers, body: String::from_utf8(body).ok()? })
}
