//! A real browser without a window, driven by the protocol of its developer tools.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// Names under which the browser is installed.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page.
pub(crate) struct Browser {
    process: Child,
    socket: TcpStream,
    /// Nothing of it stays behind.
    _profile: tempfile::TempDir,
    calls: u64,
    /// What the page logged, and what it asked for.
    pub(crate) events: Vec<Value>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Browser {
    /// Starts a browser; says so if there is none.
    #[expect(clippy::print_stdout, reason = "a skipped test must say so")]
    pub(crate) fn start() -> Option<Self> {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let start = |name: &&str| {
            Command::new(name)
                .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
                .args(["--remote-debugging-port=0", "--hide-scrollbars", "--allow-file-access-from-files"])
                .arg(format!("--user-data-dir={}", profile.path().display()))
                .arg("about:blank")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .ok()
        };
        let Some(mut process) = NAMES.iter().find_map(start) else {
            println!("skipped: no chromium");
            return None;
        };
        let said = BufReader::new(process.stderr.take().expect("a pipe"));
        let mut lines = said.lines();
        let address = lines.find_map(|line| {
            line.ok()?
                .strip_prefix("DevTools listening on ws://")
                .map(|rest| rest.split('/').next().unwrap_or_default().to_owned())
        });
        let Some(address) = address else {
            println!("skipped: chromium does not start");
            let _ = process.wait();
            return None;
        };
        // Its complaints must go somewhere, or it waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let pages: Value = serde_json::from_str(&get(&address, "/json/list")).expect("a list of pages");
        let page = pages.as_array().and_then(|pages| pages.iter().find(|page| page["type"] == "page")).expect("a page");
        let url = page["webSocketDebuggerUrl"].as_str().expect("an address");
        let path = url.trim_start_matches("ws://").split_once('/').expect("a path").1;
        let socket = connect(&address, path);
        let mut browser = Self { process, socket, _profile: profile, calls: 0, events: Vec::new() };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Opens a file, and waits until it is loaded.
    pub(crate) fn open(&mut self, path: &Path, fragment: &str) {
        self.events.clear();
        // A page that is the same but for its fragment is not loaded anew.
        self.call("Page.navigate", json!({"url": "about:blank"}));
        self.wait("Page.loadEventFired");
        self.events.clear();
        self.call("Page.navigate", json!({"url": format!("file://{}{fragment}", path.display())}));
        self.wait("Page.loadEventFired");
    }

    /// The value of an expression in the page.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let arguments = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", arguments);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer:#}");
        answer["result"]["value"].clone()
    }

    /// Writes a picture of the page, as it looks in a window of that width, if `REINVITE_SCREENSHOTS` names a folder.
    pub(crate) fn picture(&mut self, name: &str, width: u32, height: u32, scheme: &str) {
        use base64::Engine as _;
        self.look(width, height, scheme);
        let Some(folder) = std::env::var_os("REINVITE_SCREENSHOTS") else { return };
        let picture = self.call("Page.captureScreenshot", json!({"format": "png"}));
        let data = picture["data"].as_str().expect("a picture");
        let bytes = base64::engine::general_purpose::STANDARD.decode(data).expect("base64");
        fs::write(Path::new(&folder).join(format!("{name}.png")), bytes).expect("a file");
    }

    /// Sets the width of the window, and whether it is light or dark.
    pub(crate) fn look(&mut self, width: u32, height: u32, scheme: &str) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", scheme);
    }

    /// What was logged as an error, or thrown.
    pub(crate) fn complaints(&self) -> Vec<&Value> {
        let kinds = ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"];
        let is_complaint = |event: &&Value| event["method"].as_str().is_some_and(|kind| kinds.contains(&kind));
        self.events.iter().filter(is_complaint).collect()
    }

    /// The addresses that were asked for.
    pub(crate) fn requests(&self) -> Vec<&str> {
        let sent = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        sent.filter_map(|event| event["params"]["request"]["url"].as_str()).collect()
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        send(&mut self.socket, &json!({"id": self.calls, "method": method, "params": params}).to_string());
        loop {
            let said = receive(&mut self.socket);
            if said["id"] == self.calls {
                assert!(said["error"].is_null(), "{method}: {said:#}");
                return said["result"].clone();
            }
            self.events.push(said);
        }
    }

    fn wait(&mut self, event: &str) {
        while !self.events.iter().any(|said| said["method"] == event) {
            let said = receive(&mut self.socket);
            self.events.push(said);
        }
    }
}

fn get(address: &str, path: &str) -> String {
    let mut socket = TcpStream::connect(address).expect("the browser listens");
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("sent");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut reader = BufReader::new(socket);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    String::from_utf8(body).expect("text")
}

/// A WebSocket (RFC 6455). The browser is ours, so its answer is taken as it comes.
fn connect(address: &str, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).expect("the browser listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let key = "cmVpbnZpdGUgdGVzdHMgIQ==";
    write!(
        socket,
        "GET /{path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    socket
}

fn send(socket: &mut TcpStream, text: &str) {
    let length = text.len();
    // A mask of zeros leaves the text as it is.
    let mut frame = vec![0x81];
    match u16::try_from(length) {
        Ok(short) if length < 126 => frame.push(0x80 | u8::try_from(short).expect("short")),
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    socket.write_all(&frame).expect("sent");
}

fn receive(socket: &mut TcpStream) -> Value {
    let mut text = Vec::new();
    loop {
        let mut head = [0; 2];
        socket.read_exact(&mut head).expect("a frame");
        let length = match head[1] & 0x7f {
            126 => {
                let mut bytes = [0; 2];
                socket.read_exact(&mut bytes).expect("a length");
                u64::from(u16::from_be_bytes(bytes))
            }
            127 => {
                let mut bytes = [0; 8];
                socket.read_exact(&mut bytes).expect("a length");
                u64::from_be_bytes(bytes)
            }
            short => short.into(),
        };
        let mut part = vec![0; usize::try_from(length).expect("a length")];
        socket.read_exact(&mut part).expect("a frame");
        // Control frames may stand between the parts of a message.
        if head[0] & 0x0f < 8 {
            text.extend(part);
            if head[0] & 0x80 != 0 {
                return serde_json::from_slice(&text).expect("JSON");
            }
        }
    }
}
