//! Files in llama.cpp's layout: keys that are missing or contradict the tensors, names and types that do not fit.

use crate::Case;
use crate::files::{self, Files};

const FILE: &str = "model.gguf";

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let keys = ["embedding_length", "block_count", "feed_forward_length", "context_length"];
    for (name, arch, more) in [
        ("llama_plain", "llama", &[][..]),
        ("gpt2_hub", "gpt2", &[]),
        ("gpt_neox", "gptneox", &[]),
        ("phi3_long", "phi3", &[]),
        ("gemma", "gemma", &["attention.key_length"]),
        ("gemma2_bf16", "gemma2", &["attention.key_length", "attention.sliding_window"]),
        ("gemma3", "gemma3", &["attention.key_length", "attention.sliding_window"]),
    ] {
        let files = files::converted(name);
        // GPT-2's feed-forward width has a default.
        let keys = keys.iter().filter(|key| (arch, **key) != ("gpt2", "feed_forward_length"));
        for key in keys.chain(more).chain(&["attention.head_count"]) {
            cases.push(lost(&files, &format!("{arch}.{key}")));
        }
        cases.push(Case::new(format!("{arch} by another name"), FILE, &["unknown architecture"], &files, |f| {
            let last = arch.len() - 1;
            replace(f, &text(arch), &text(&format!("{}X", &arch[..last])));
        }));
        cases.push(Case::new(format!("{arch} without heads"), FILE, &["head", "shape"], &files, |f| {
            set(f, &format!("{arch}.attention.head_count"), 0);
        }));
        cases.push(Case::new(format!("{arch} of another width"), FILE, &["shape", "head"], &files, |f| {
            set(f, &format!("{arch}.embedding_length"), 72);
        }));
        cases.push(Case::new(format!("{arch} without a norm"), FILE, &["missing"], &files, |f| {
            replace(f, &text("output_norm.weight"), &text("output_norn.weight"));
        }));
    }
    cases.extend(of_one_family());
    cases
}

fn of_one_family() -> Vec<Case> {
    let (phi3, gemma) = (files::converted("phi3_long"), files::converted("gemma"));
    vec![
        Case::new("a joined tensor is lost", FILE, &["missing"], &phi3, |f| {
            replace(f, &text("blk.1.attn_qkv.weight"), &text("blk.1.attn_qkw.weight"));
        }),
        Case::new("a share of a head that is no share", FILE, &["partial_rotary_factor"], &phi3, |f| {
            set(f, "phi3.rope.dimension_count", 4096);
        }),
        Case::new("factors for another head", FILE, &["short_factor", "long_factor"], &phi3, |f| {
            set(f, "phi3.rope.dimension_count", 6);
        }),
        // F16 has half the bytes, so nothing else is wrong with it.
        Case::new("a norm in 16 bits", FILE, &["norm"], &gemma, |f| {
            f.edit(FILE, |file| {
                let at = end(file, &text("output_norm.weight")) + 4 + 8;
                file[at..at + 4].copy_from_slice(&1u32.to_le_bytes());
            });
        }),
    ]
}

/// A key with its last letter changed.
fn lost(files: &Files, key: &str) -> Case {
    let reason: &'static str = Box::leak(key.to_string().into_boxed_str());
    Case::new(format!("no {key}"), FILE, Box::leak(Box::new([reason])), files, |f| {
        replace(f, &text(key), &text(&format!("{}X", &key[..key.len() - 1])));
    })
}

/// A text as GGUF has it.
fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

/// Where the first such bytes end.
fn end(file: &[u8], bytes: &[u8]) -> usize {
    file.windows(bytes.len()).position(|window| window == bytes).unwrap() + bytes.len()
}

/// Puts bytes of the same number in the place of others.
fn replace(files: &mut Files, from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    files.edit(FILE, |file| {
        let at = end(file, from);
        file[at - to.len()..at].copy_from_slice(to);
    });
}

/// Changes a number of 32 bits.
fn set(files: &mut Files, key: &str, value: u32) {
    files.edit(FILE, |file| {
        let at = end(file, &text(key)) + 4;
        file[at..at + 4].copy_from_slice(&value.to_le_bytes());
    });
}
