//! Documents of each layout, and what is refused.

use super::*;
use crate::recipe::Recipe;

fn spec(fields: &str) -> DataSpec {
    let text = format!(
        "name = 'n'\noutput = 'o'\nstart = 's'\n[train]\nsteps = 1\nbatch = 1\ncontext = 4\n\
         [[data]]\nname = 'd'\nfiles = ['f']\nlicence = 'MIT'\n{fields}"
    );
    Recipe::parse("recipe", &text).unwrap().data.remove(0)
}

/// The documents as lines: a text, or `u: … a: …`.
fn documents(fields: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut sink = |_, document: Document| {
        found.push(match document {
            Document::Text(text) => text,
            Document::Dialogue(messages) => {
                let say = |m: &Message| format!("{}: {}", &m.role.name()[..1], m.content);
                messages.iter().map(say).collect::<Vec<_>>().join(" ")
            }
        });
        Ok(())
    };
    let read = read(&spec(fields), "file", bytes, &mut sink);
    read.map(|()| found).map_err(|error| error.to_string())
}

#[track_caller]
fn check(fields: &str, text: &str, wanted: &[&str]) {
    assert_eq!(documents(fields, text.as_bytes()).unwrap(), wanted);
}

#[track_caller]
fn check_error(fields: &str, bytes: &[u8], wanted: &str) {
    assert_eq!(documents(fields, bytes).unwrap_err(), wanted);
}

const TEXT: &str = "layout = 'text'";
const JSONL: &str = "layout = 'jsonl'";
const DIALOGUE: &str = "layout = 'dialogue'";

#[test]
fn texts() {
    check(TEXT, "a\nb\n\n", &["a\nb"]);
    check("layout = 'text'\nseparator = '---'", "a\n---\n\nb\r\nc\n---\n", &["a", "b\nc"]);
    check("layout = 'text'\nseparator = \"\\n\\n\\n\"", "a\n\nb\n\n\n\nc", &["a\n\nb", "c"]);
    check(JSONL, "{\"text\":\"a\"}\n\n{\"text\":\" b \"}", &["a", "b"]);
    check("layout = 'jsonl'\nfield = 'x.1'", "{\"x\":[\"a\",\"b\"]}", &["b"]);
}

#[test]
fn dialogues() {
    let messages = r#"{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello "}]}"#;
    check(DIALOGUE, messages, &["u: Hi a: Hello"]);
    let turns = r#"{"turns":[["U","Hi"],["S","Hello"]]}"#;
    check("layout = 'dialogue'\nfield = 'turns'\nroles = {U = 'user', S = 'assistant'}", turns, &["u: Hi a: Hello"]);
    let transcript = "{\"chosen\":\"\\n\\nHuman: a\\n\\nAssistant: b\\n\\nc\"}";
    check("layout = 'dialogue'\nfield = 'chosen'", transcript, &["u: a a: b\n\nc"]);
}

#[test]
fn pairs() {
    let columns = "layout = 'pairs'\nprompt = 'In French: {0}'\nanswer = '{1}'";
    check(columns, "Go.\tVa !\tsource\nHi.\tSalut !", &["u: In French: Go. a: Va !", "u: In French: Hi. a: Salut !"]);
    check("layout = 'pairs'\nprompt = '{q}'\nanswer = '{a.0}'", r#"{"q":"x","a":["y"]}"#, &["u: x a: y"]);
    let all = r#"{"questions":["a","b"],"answers":{"kind":"c","short":"d"}}"#;
    check("layout = 'questions'", all, &["u: a a: c", "u: a a: d", "u: b a: c", "u: b a: d"]);
    check("layout = 'questions'\nfield = 'answers.kind'", all, &["u: a a: c", "u: b a: c"]);
    check_error(columns, b"Go.", "file:1: field 1 is missing");
    let topics = "layout = 'pairs'\nprompt = 'About a {topic}.'\nanswer = '{0}'\ntopics = ['cat', 'dog']";
    check(
        topics,
        "A dog saw a cat. Dog!\tx\nA cat.\nThe cats. Cat, cat, dog.",
        &["u: About a dog. a: A dog saw a cat. Dog!", "u: About a cat. a: The cats. Cat, cat, dog."],
    );
}

#[test]
fn conversations() {
    let yaml = "categories:\n- x\nconversations:\n- - Hi\n  - 'It''s me'\n- - A\n  - B\n    and more\n  - C\n";
    check("layout = 'conversations'", yaml, &["u: Hi a: It's me", "u: A a: B and more u: C"]);
    check("layout = 'answers'", yaml, &["u: Hi a: It's me", "u: A a: B and more", "u: A a: C"]);
    check_error("layout = 'conversations'", b"conversations:\n  - A\n", "file:2: belongs to no conversation");
}

#[test]
fn damage_is_named_with_its_line() {
    check_error(TEXT, b"", "file: is empty");
    check_error(TEXT, b"\n \n", "file: holds no document");
    check_error(TEXT, b"a\nb\xffc\n", "file:2: broken UTF-8 at byte 1 of the line");
    check_error(JSONL, b"{\"text\":\"a\"}\n{\"title\":\"b\"}\n", "file:2: field text is missing");
    check_error(JSONL, b"{\"text\":1}", "file:1: field text is no text");
    check_error(DIALOGUE, b"{\"messages\":[]}", "file:1: field messages has no messages");
    let robot = br#"{"messages":[{"role":"robot","content":"x"}]}"#;
    check_error(DIALOGUE, robot, "file:1: field messages has message 0, which is by robot, who has no role");
    let error = documents(JSONL, b"{\"text\":").unwrap_err();
    assert!(error.starts_with("file:1: is no JSON: "), "{error}");
}

#[test]
fn packed_files_are_unpacked_and_damage_in_them_is_named() {
    use std::io::Write;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(b"{\"text\":\"a\"}\n").unwrap();
    let packed = packer.finish().unwrap();
    let mut seen = 0;
    let bytes = unpacked(std::io::Cursor::new(packed.clone())).unwrap();
    read(&spec(JSONL), "file", bytes, &mut |_, _| {
        seen += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, 1);
    let bytes = unpacked(std::io::Cursor::new(packed[..packed.len() - 9].to_vec())).unwrap();
    let error = read(&spec(JSONL), "file", bytes, &mut |_, _| Ok(())).unwrap_err().to_string();
    assert!(error.starts_with("file:"), "{error}");
}

#[test]
fn a_document_never_changes_sides() {
    let keys: Vec<u64> = (0..10_000).map(|i| Document::Text(format!("document {i}")).key()).collect();
    let kept = |share| keys.iter().filter(|key| is_validation(**key, share)).count();
    assert!((80..120).contains(&kept(0.01)), "{}", kept(0.01));
    assert_eq!((kept(0.0), kept(1.0)), (0, keys.len()));
    let monotone = keys.iter().all(|key| !is_validation(*key, 0.01) || is_validation(*key, 0.02));
    assert!(monotone);
    let (a, b) = (Document::Text("ab".into()), Document::Text("a".into()));
    assert_ne!(a.key(), b.key());
}
