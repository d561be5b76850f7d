//! Checkpoints that are whole, damaged, foreign, or could not be written.

use super::*;
use crate::feed::Position;
use crate::guard::Guard;

fn belongs() -> Belongs {
    Belongs { recipe: "r".into(), corpus: "c".into(), tokenizer: "t".into() }
}

fn state(step: u64) -> State {
    State {
        step,
        updates: step,
        tokens: 100 * step,
        position: Position { epoch: 1, sequence: 7 },
        guard: Guard::default(),
        metrics: 12,
        milliseconds: 5,
        recipe: "r".into(),
        corpus: "c".into(),
        tokenizer: "t".into(),
    }
}

fn parts(step: u64) -> Vec<Part> {
    vec![(MODEL.into(), format!("model {step}").into()), (OPTIMIZER.into(), b"means".to_vec())]
}

fn write_all(output: &Path, steps: &[u64], keep: usize) {
    for step in steps {
        write(output, &state(*step), &parts(*step), keep).unwrap();
    }
}

#[test]
fn the_last_ones_are_kept() {
    let output = crate::test_folder("checkpoints");
    assert!(open_newest(&output.join("none"), &belongs()).unwrap().is_none());
    write_all(&output, &[0, 5, 10, 15, 100], 3);
    assert_eq!(steps(&output).unwrap(), [10, 15, 100]);
    let opened = open_newest(&output, &belongs()).unwrap().unwrap();
    assert_eq!((opened.state, opened.refused.len()), (state(100), 0));
    assert_eq!(fs::read(opened.folder.join(MODEL)).unwrap(), b"model 100");
    fs::remove_dir_all(output).unwrap();
}

#[test]
fn going_back_does_not_remove_what_was_just_written() {
    let output = crate::test_folder("older-checkpoints");
    write_all(&output, &[10, 20, 30], 3);
    write_all(&output, &[15], 2);
    assert_eq!(steps(&output).unwrap(), [15, 30]);
    fs::remove_dir_all(output).unwrap();
}

#[test]
fn any_damaged_byte_is_seen_and_the_one_before_is_used() {
    let output = crate::test_folder("damaged-checkpoints");
    write_all(&output, &[1, 2], 3);
    let newest = folder(&output, 2);
    let names: Vec<PathBuf> = fs::read_dir(&newest).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len(), 4);
    for path in names {
        let whole = fs::read(&path).unwrap();
        let check = |bytes: Option<&[u8]>| {
            match bytes {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let opened = open_newest(&output, &belongs()).unwrap().unwrap();
            assert_eq!((opened.state.step, opened.refused.len()), (1, 1), "{}", path.display());
            let error = opened.refused[0].to_string();
            assert!(error.contains("step-2") && !error.contains('\n'), "{error}");
        };
        for at in (0..whole.len()).step_by(3) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x15;
            check(Some(&damaged));
        }
        check(Some(&whole[..whole.len() / 2]));
        check(Some(b""));
        check(None);
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(open_newest(&output, &belongs()).unwrap().unwrap().state.step, 2);
    fs::remove_dir_all(output).unwrap();
}

#[test]
fn foreign_ones_are_refused() {
    let output = crate::test_folder("foreign-checkpoints");
    write_all(&output, &[1], 3);
    let check = |belongs: Belongs, wanted: &str| {
        let error = open_newest(&output, &belongs).err().unwrap().to_string();
        assert!(error.ends_with(wanted), "{error}");
    };
    check(Belongs { recipe: "x".into(), ..belongs() }, "state.json: belongs to another recipe");
    check(Belongs { corpus: "x".into(), ..belongs() }, "state.json: belongs to another set of texts");
    check(Belongs { tokenizer: "x".into(), ..belongs() }, "state.json: belongs to another tokenizer");
    fs::remove_dir_all(output).unwrap();
}

#[test]
fn what_was_half_written_is_not_seen() {
    let output = crate::test_folder("half-checkpoints");
    write_all(&output, &[1], 3);
    fs::create_dir(output.join(".step-2.part")).unwrap();
    fs::write(output.join(".step-2.part").join(MODEL), "half").unwrap();
    assert_eq!(open_newest(&output, &belongs()).unwrap().unwrap().state.step, 1);
    write_all(&output, &[2], 3);
    assert_eq!(open_newest(&output, &belongs()).unwrap().unwrap().state.step, 2);
    assert!(!output.join(".step-2.part").exists());
    fs::remove_dir_all(output).unwrap();
}

#[test]
fn a_disk_that_takes_no_more_leaves_the_old_ones() {
    let output = crate::test_folder("full-checkpoints");
    write_all(&output, &[1], 1);
    // A name that no file system takes fails in the midst of the writing, as a full disk does.
    let mut parts = parts(2);
    parts.push(("x".repeat(400), b"bytes".to_vec()));
    let error = write(&output, &state(2), &parts, 1).unwrap_err();
    assert_eq!(error.code(), "io");
    assert_eq!(steps(&output).unwrap(), [1]);
    assert_eq!(fs::read_dir(&output).unwrap().count(), 1, "nothing is left behind");
    assert_eq!(open_newest(&output, &belongs()).unwrap().unwrap().state.step, 1);
    fs::remove_dir_all(output).unwrap();
}
