//! The program's own words: what is wrong with its arguments, in one line.

use std::process::{Command, Output};

fn dynasty(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dynasty")).args(args).output().unwrap()
}

#[test]
fn a_wrong_argument_is_one_line() {
    for args in [&["bench"][..], &["generate", "--model"], &["forward", "--device", "tpu", "--model", "m"], &["dance"]]
    {
        let output = dynasty(args);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
        assert_eq!(told.lines().count(), 1, "{args:?}: {told}");
    }
}

#[test]
fn a_missing_model_is_named() {
    let output = dynasty(&["tokenize", "--model", "no/such/folder", "--text", "a"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.lines().count() == 1 && told.contains("no/such/folder"), "{told}");
}
