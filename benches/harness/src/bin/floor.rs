//! A function that sends the same requests as the project's function and does nothing between them. It
//! measures the cost of this harness, its storage and the loopback interface. It does not support TLS and
//! accepts any event.

use std::env::var;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(address: &str) -> Result<Self, Box<dyn Error>> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Result<(), Box<dyn Error>> {
        let mut bytes = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n").into_bytes();
        write!(bytes, "content-length: {}\r\n\r\n", body.len())?;
        bytes.extend_from_slice(body);
        Ok(self.0.get_mut().write_all(&bytes)?)
    }

    fn receive(&mut self, is_head: bool) -> Result<Vec<u8>, Box<dyn Error>> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line)?;
            if line.trim_end().is_empty() {
                break;
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse()?;
            }
        }
        let mut body = Vec::new();
        if !is_head {
            (&mut self.0).take(length).read_to_end(&mut body)?;
        }
        Ok(body)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut api = Connection::open(&var("AWS_LAMBDA_RUNTIME_API")?)?;
    let endpoint = var("AWS_ENDPOINT_URL_S3")?;
    let storage = endpoint.trim_start_matches("http://").to_owned();
    let mut connections: Vec<Connection> = Vec::new();
    loop {
        api.send("GET", "/2018-06-01/runtime/invocation/next", b"")?;
        let event = String::from_utf8(api.receive(false)?)?;
        while connections.len() < 3 {
            connections.push(Connection::open(&storage)?);
        }
        let is_duplicate = work(&mut connections, &event)?;
        let path = "/2018-06-01/runtime/invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd/response";
        let answer = if is_duplicate { "unchanged" } else { "written" };
        api.send("POST", path, answer.as_bytes())?;
        api.receive(false)?;
    }
}

/// Processes one upload. Returns whether the output already exists.
fn work(connections: &mut [Connection], event: &str) -> Result<bool, Box<dyn Error>> {
    let after = |name: &str| event.split(&format!(r#""{name}":""#)).nth(1);
    let key = after("key").and_then(|rest| rest.split('"').next());
    let key = key.ok_or("an event without a key")?;
    let output = format!("/site/{key}");
    let report = format!("/reports/{key}");
    let [first, second, third] = connections else {
        return Err("three connections are wanted".into());
    };
    first.send("HEAD", &output, b"")?;
    second.send("HEAD", &report, b"")?;
    third.send("GET", &format!("/uploads/{key}"), b"")?;
    let mut line = String::new();
    // The status line is read separately, because it shows whether the output exists.
    first.0.read_line(&mut line)?;
    first.receive(true)?;
    second.receive(true)?;
    let upload = third.receive(false)?;
    let is_duplicate = line.contains(" 200 ");
    if !is_duplicate {
        first.send("PUT", &output, &upload)?;
        second.send("PUT", &report, b"report")?;
        first.receive(false)?;
        second.receive(false)?;
    }
    Ok(is_duplicate)
}
