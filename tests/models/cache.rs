//! The cache changes nothing: prefill in chunks and single tokens give the logits of the whole sequence; sessions do
//! not meet; a prompt that continues what is held gives the same tokens.

use std::sync::Arc;

use dynasty_tests::{Executor, Numbers, Player};
use graph::{Taps, Tensor};
use models::{CacheUse, Call, Head, Mask, Rows};
use run::{ForwardInputs, Package};

use crate::Verdict;
use crate::fixture;
use crate::loaded::{self, DEVICES};
use crate::written;

/// Over the border of a page of 128 tokens.
const LONG: &[usize] = &[64, 63, 1, 1, 1, 9, 1];
const SHORT: &[usize] = &[5, 1, 1, 9, 1, 3];

/// Single precision, summed in another order.
const BOUND: f64 = 1e-4;

#[test]
fn chunks_give_what_the_whole_gives() {
    let mut verdict = Verdict::default();
    for fixture in fixture::all() {
        let Some(package) = verdict.ok(&fixture.name, fixture.package()) else { continue };
        // Where frequencies depend on the length, keys in the cache were turned by those of a shorter text.
        if package.model.inv_freq(1).is_some() || package.model.task() != models::Task::CausalLm {
            continue;
        }
        let chunks = if package.model.has_learned_positions() { SHORT } else { LONG };
        for executor in Executor::TESTED {
            let what = format!("{} on {executor}", fixture.name);
            if let Some(error) = verdict.ok(&what, difference(&package, executor, chunks)) {
                verdict.error(&what, error, BOUND);
            }
        }
    }
    verdict.close("cache");
}

fn difference(package: &Package, executor: Executor, chunks: &[usize]) -> Result<f64, String> {
    let total = chunks.iter().sum();
    let mut numbers = Numbers::new(7);
    let ids: Vec<i32> = (0..total).map(|_| numbers.below(package.model.n_vocab()) as i32).collect();
    let row = |ids: &[i32]| Tensor::i32([1, ids.len()], ids.to_vec()).unwrap();
    let given = ForwardInputs::tokens(row(&ids));
    let (graph, inputs) = written::forward(package, &given);
    let weights = written::weights(package, &graph).map_err(|error| error.to_string())?;
    let logits = graph.outputs.iter().position(|output| output.name == "logits").unwrap();
    let whole = written::play(executor, &graph, &weights, &inputs)?.swap_remove(logits);

    let call = Call { cache: CacheUse::Session, rows: Rows::All, head: Head::Logits, ..Call::forward(Mask::None) };
    let graph = Arc::new(package.model.build(&call, Taps::none()).unwrap());
    let mut player = Player::new(executor, &graph, &weights, (1, total))?;
    let (mut done, mut parts) = (0, Vec::new());
    for n in chunks {
        let places: Vec<i32> = (done as i32..(done + n) as i32).collect();
        let past = Tensor::i32([1], vec![done as i32]).unwrap();
        let (ids, positions) = (row(&ids[done..done + n]), row(&places));
        let inputs = [("input_ids", &ids), ("position_ids", &positions), ("past", &past)];
        parts.extend_from_slice(player.run(&inputs)?[0].as_f32().unwrap());
        done += n;
    }
    Ok(graph::nmse(&parts, whole.as_f32().unwrap()).sqrt())
}

#[test]
fn sessions_of_one_model_do_not_meet() {
    let mut verdict = Verdict::default();
    for name in ["llama_plain", "qwen2_window", "gpt2", "gpt_neox", "phi3_window", "gemma3"] {
        for (device, choice) in DEVICES {
            let what = format!("{name} on {device}");
            let model = fixture::named(name).package().and_then(|package| loaded::load(package, choice));
            let Some(model) = verdict.ok(&what, model) else { continue };
            let prompts = [[5u32, 9, 11, 3].as_slice(), [40, 2, 17, 33, 8, 21].as_slice()];
            let alone = prompts.map(|prompt| {
                let mut session = model.session().unwrap();
                loaded::greedy(&model, &mut session, None, prompt, 12).unwrap().token_ids
            });
            // In turns, three tokens at a time, each prompt continuing its own text.
            let mut sessions = prompts.map(|_| model.session().unwrap());
            let mut texts = prompts.map(<[u32]>::to_vec);
            for turn in 0..4 {
                for (i, text) in texts.iter_mut().enumerate() {
                    let written = loaded::greedy(&model, &mut sessions[i], None, text, 3).unwrap();
                    let held = if turn == 0 { 0 } else { text.len() - 1 };
                    verdict.holds(format!("{what}: kept in turn {turn}"), written.cached_tokens == held, || {
                        format!("{} tokens, expected {held}", written.cached_tokens)
                    });
                    text.extend(written.token_ids);
                }
            }
            for (i, text) in texts.iter().enumerate() {
                let found = &text[prompts[i].len()..];
                verdict.holds(format!("{what}: session {i}"), found == alone[i], || {
                    format!("{found:?}, alone {:?}", alone[i])
                });
            }
            // Another prompt with a common beginning forgets the rest of what was held.
            let turned = [&texts[0][..6], &[1, 2]].concat();
            let again = loaded::greedy(&model, &mut sessions[0], None, &turned, 8).unwrap();
            let fresh = loaded::greedy(&model, &mut model.session().unwrap(), None, &turned, 8).unwrap();
            verdict.holds(format!("{what}: prefix"), again.token_ids == fresh.token_ids, || {
                format!("{:?}, fresh {:?}", again.token_ids, fresh.token_ids)
            });
        }
    }
    verdict.close("sessions");
}
