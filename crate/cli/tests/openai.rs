//! The OpenAI API of `dynasty serve`, asked over HTTP as any program would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A server of one model, ended with the test.
struct Server {
    child: Child,
    address: String,
    folder: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models/llama_text")
}

fn serve() -> Server {
    let folder = std::env::temp_dir().join(format!("dynasty-openai-{}", std::process::id()));
    let (site, model) = (folder.join("site"), folder.join("models/tiny"));
    std::fs::create_dir_all(&site).unwrap();
    std::fs::create_dir_all(&model).unwrap();
    for entry in std::fs::read_dir(fixture()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, model.join(path.file_name().unwrap())).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_dynasty"));
    command
        .args(["serve", "--port", "0", "--device", "cpu", "--site"])
        .arg(&site)
        .arg("--models")
        .arg(folder.join("models"));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().trim_start_matches("http://").trim_end_matches('/').to_string();
    Server { child, address, folder }
}

impl Server {
    /// Sends a request; the status and the body.
    fn ask(&self, host: &str, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_string())
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, body) = self.ask(&self.address, "POST", path, &body.to_string());
        (status, serde_json::from_str(&body).unwrap())
    }

    /// The parts of a stream, which must end as such streams end.
    fn stream(&self, path: &str, body: &Value) -> Vec<Value> {
        let (status, body) = self.ask(&self.address, "POST", path, &body.to_string());
        assert_eq!(status, 200, "{body}");
        let mut parts: Vec<&str> = body.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        assert_eq!(parts.pop(), Some("[DONE]"));
        parts.into_iter().map(|part| serde_json::from_str(part).unwrap()).collect()
    }
}

#[test]
fn a_model_answers_whole_and_in_pieces() {
    let server = serve();
    let greedy: Value = serde_json::from_slice(&std::fs::read(fixture().join("greedy.json")).unwrap()).unwrap();
    let (prompt, wanted) = (&greedy["prompt"], greedy["text"].as_str().unwrap());
    let n = greedy["token_ids"].as_array().unwrap().len();

    let (status, list) = server.ask(&server.address, "GET", "/v1/models", "");
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!((status, &list["data"][0]["id"], &list["object"]), (200, &json!("tiny"), &json!("list")));

    let mut request = json!({"model": "tiny", "prompt": prompt, "max_tokens": n, "temperature": 0});
    let (status, answer) = server.post("/v1/completions", &request);
    assert_eq!((status, answer["choices"][0]["text"].as_str()), (200, Some(wanted)), "{answer}");
    assert_eq!(answer["usage"]["completion_tokens"], n);
    request["stream"] = json!(true);
    let parts = server.stream("/v1/completions", &request);
    let text: String = parts.iter().map(|part| part["choices"][0]["text"].as_str().unwrap()).collect();
    assert_eq!(text, wanted);
    assert!(parts.last().unwrap()["choices"][0]["finish_reason"].is_string());

    let messages = json!([{"role": "user", "content": prompt}]);
    let mut request = json!({"model": "tiny", "messages": messages, "max_tokens": 6, "temperature": 0.8, "top_k": 5, "seed": 4,
        "stream_options": {"include_usage": true}});
    let (status, answer) = server.post("/v1/chat/completions", &request);
    assert_eq!((status, &answer["object"]), (200, &json!("chat.completion")), "{answer}");
    assert_eq!(answer["choices"][0]["message"]["role"], "assistant");
    request["stream"] = json!(true);
    let parts = server.stream("/v1/chat/completions", &request);
    assert_eq!(parts[0]["choices"][0]["delta"]["role"], "assistant");
    let text: String = parts.iter().filter_map(|part| part["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(Some(text.as_str()), answer["choices"][0]["message"]["content"].as_str());
    assert_eq!(parts.last().unwrap()["usage"]["completion_tokens"], answer["usage"]["completion_tokens"]);

    let refused = [
        ("/v1/completions", json!({"model": "../tiny", "prompt": "a"}), 404),
        ("/v1/completions", json!({"model": "none", "prompt": "a"}), 404),
        ("/v1/completions", json!({"model": "tiny"}), 400),
        ("/v1/completions", json!({"model": "tiny", "prompt": 3}), 400),
        ("/v1/completions", json!({"model": "tiny", "prompt": "a", "temperature": -1}), 400),
        ("/v1/completions", json!({"model": "tiny", "prompt": "a", "n": 2}), 400),
        ("/v1/completions", json!({"model": "tiny", "prompt": "a", "stream": true, "logit_bias": {"x": 1}}), 400),
        ("/v1/chat/completions", json!({"model": "tiny", "messages": []}), 400),
    ];
    for (path, body, wanted) in refused {
        let (status, answer) = server.post(path, &body);
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(status == wanted && !message.is_empty() && !message.contains('\n'), "{body}: {status} {answer}");
    }
    assert_eq!(server.ask("example.org", "GET", "/v1/models", "").0, 403);
}
