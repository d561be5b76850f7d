//! Every fixture as the program runs it, on both devices: all fields, and greedy text to the token.

use pollster::block_on;
use run::{DeviceChoice, Model, Show};

use crate::Verdict;
use crate::fixture::{self, Fixture, relative_error};
use crate::loaded;

/// What the contract allows.
pub fn bound(device: DeviceChoice, half: bool) -> f64 {
    match (device, half) {
        (DeviceChoice::Gpu, true) => 2e-3,
        (DeviceChoice::Gpu, false) => 1e-3,
        (DeviceChoice::Cpu | DeviceChoice::Auto, true) => 1e-3,
        (DeviceChoice::Cpu | DeviceChoice::Auto, false) => 1e-4,
    }
}

#[test]
fn fixtures_on_cpu() {
    on("cpu", DeviceChoice::Cpu);
}

#[test]
fn fixtures_on_wgpu() {
    on("wgpu", DeviceChoice::Gpu);
}

fn on(name: &str, device: DeviceChoice) {
    let mut verdict = Verdict::default();
    for fixture in fixture::all() {
        let what = format!("{} on {name}", fixture.name);
        let model = fixture.package().and_then(|package| loaded::load(package, device));
        let Some(model) = verdict.ok(&what, model) else { continue };
        fields(&fixture, &model, bound(device, fixture.is_half()), &what, &mut verdict);
        greedy(&fixture, &model, &what, &mut verdict);
    }
    verdict.close(&format!("fixtures on {name}"));
}

fn fields(fixture: &Fixture, model: &Model, bound: f64, what: &str, verdict: &mut Verdict) {
    let inputs = fixture.inputs();
    let show = Show { attentions: true, hidden_states: true };
    let Some(found) = verdict.ok(what, block_on(model.forward(&inputs, show))) else { return };
    let wanted = fixture.outputs();
    let names = |names: Vec<&str>| names.join(" ");
    verdict.holds(format!("{what}: fields"), found.len() == wanted.len(), || {
        names(found.iter().map(|(name, ..)| name.as_str()).collect())
    });
    for (name, wanted) in wanted {
        let mask = fixture::mask(&inputs, &name);
        let found = found.iter().find(|(found, ..)| *found == name);
        let error = found.map_or(f64::INFINITY, |(_, shape, values)| {
            relative_error(&name, &(shape.clone(), values.clone()), &wanted, mask.as_deref())
        });
        verdict.error(format!("{what}: {name}"), error, bound);
    }
}

/// Checks greedy text, where the reference's is known.
pub fn greedy(fixture: &Fixture, model: &Model, what: &str, verdict: &mut Verdict) {
    let Some(wanted) = fixture.greedy() else { return };
    let mut tokenizer = None;
    if let Some(prompt) = &wanted.prompt {
        let Some(own) = verdict.ok(what, block_on(model.package().files.tokenizer())) else { return };
        let Some(ids) = verdict.ok(what, own.encode(prompt, run::Add::Special)) else { return };
        verdict.holds(format!("{what}: prompt"), ids == wanted.prompt_ids, || format!("{ids:?}"));
        tokenizer = Some(own);
    }
    let Some(mut session) = verdict.ok(what, model.session()) else { return };
    let written = loaded::greedy(model, &mut session, tokenizer.as_ref(), &wanted.prompt_ids, 20);
    let Some(written) = verdict.ok(what, written) else { return };
    // The reference keeps the token that ends a text, and we do not.
    let eos = block_on(model.package().files.generation()).unwrap().eos;
    let ended = wanted.token_ids.last().is_some_and(|last| eos.contains(last));
    let ids = &wanted.token_ids[..wanted.token_ids.len() - usize::from(ended)];
    verdict.holds(format!("{what}: greedy ids"), written.token_ids == ids, || {
        format!("{:?}, expected {ids:?}", written.token_ids)
    });
    if let Some(text) = wanted.text {
        verdict
            .holds(format!("{what}: text"), written.text == text, || format!("{:?}, expected {text:?}", written.text));
    }
}

/// A picture that is looked at once gives the answers of a whole pass.
#[test]
fn pictures_are_looked_at_once() {
    let mut verdict = Verdict::default();
    for (name, device) in loaded::DEVICES {
        for fixture in ["sam_points", "sam_all", "mobile_sam", "sam2_points", "sam2_all"].map(fixture::named) {
            let what = format!("{} on {name}", fixture.name);
            let model = fixture.package().and_then(|package| loaded::load(package, device));
            let Some(model) = verdict.ok(&what, model) else { continue };
            let inputs = fixture.inputs();
            let pixels = inputs.get("pixel_values").unwrap().clone();
            let Some(seen) = verdict.ok(&what, block_on(model.embed_pictures(pixels))) else { continue };
            let prompts = ["input_points", "input_labels", "input_boxes", "input_masks"];
            let given = prompts.iter().filter_map(|name| Some((name.to_string(), inputs.get(name)?.clone())));
            let answer = block_on(model.answer(&seen, &run::ForwardInputs::new(given)));
            let Some(answer) = verdict.ok(&what, answer) else { continue };
            verdict.holds(&what, answer.len() >= 2, || format!("{} results", answer.len()));
            let wanted = fixture.outputs();
            for (field, found) in answer {
                let field = field.as_str();
                let (_, wanted) = wanted.iter().find(|(name, _)| name == field).unwrap();
                let found = (found.shape.clone(), found.as_f32().unwrap().to_vec());
                verdict.error(
                    format!("{what}: {field}"),
                    relative_error(field, &found, wanted, None),
                    bound(device, false),
                );
            }
        }
    }
    verdict.close("pictures looked at once");
}
