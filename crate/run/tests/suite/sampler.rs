//! Samplers: exact choices, statistics of many draws, and values without meaning.

use dynasty_run::{Sampler, SamplerConfig, argmax};

fn sampler(config: SamplerConfig) -> Sampler {
    Sampler::new(SamplerConfig { seed: config.seed.or(Some(1)), ..config }).unwrap()
}

/// How often each of the logits' tokens is drawn, as a share.
fn shares(config: SamplerConfig, logits: &[f32], history: &[u32]) -> Vec<f64> {
    const DRAWS: usize = 40_000;
    let mut sampler = sampler(config);
    let mut counts = vec![0.0; logits.len()];
    for _ in 0..DRAWS {
        counts[sampler.sample(&mut logits.to_vec(), history) as usize] += 1.0 / DRAWS as f64;
    }
    counts
}

/// Compares shares with wanted probabilities; 40,000 draws stay within 0.015 in all but one of ten billion cases.
fn check(name: &str, config: SamplerConfig, logits: &[f32], history: &[u32], wanted: &[f64]) {
    for (id, (found, wanted)) in shares(config, logits, history).iter().zip(wanted).enumerate() {
        assert!(
            (found - wanted).abs() < 0.015 && (*wanted > 0.0 || *found == 0.0),
            "{name}: token {id}: {found} for {wanted}"
        );
    }
}

#[test]
fn shares_are_the_probabilities() {
    let base = SamplerConfig::default;
    let logits = [0.5f32, 0.25, 0.125, 0.125].map(f32::ln);
    check("plain", base(), &logits, &[], &[0.5, 0.25, 0.125, 0.125]);
    check(
        "temperature 0.5",
        SamplerConfig { temperature: 0.5, ..base() },
        &logits,
        &[],
        &[16.0 / 22.0, 4.0 / 22.0, 1.0 / 22.0, 1.0 / 22.0],
    );
    check("top-k 2", SamplerConfig { top_k: 2, ..base() }, &logits, &[], &[2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0]);
    check(
        "top-k, equal logits",
        SamplerConfig { top_k: 3, ..base() },
        &logits,
        &[],
        &[4.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0, 0.0],
    );
    check("top-p 0.6", SamplerConfig { top_p: 0.6, ..base() }, &logits, &[], &[2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0]);
    check("top-p 0.01", SamplerConfig { top_p: 0.01, ..base() }, &logits, &[], &[1.0, 0.0, 0.0, 0.0]);
    check("min-p 0.4", SamplerConfig { min_p: 0.4, ..base() }, &logits, &[], &[2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0]);
    check("min-p 1", SamplerConfig { min_p: 1.0, ..base() }, &logits, &[], &[1.0, 0.0, 0.0, 0.0]);
    let bias = vec![(3, 2f32.ln()), (99, 5.0)];
    check(
        "bias",
        SamplerConfig { logit_bias: bias, ..base() },
        &logits,
        &[],
        &[4.0 / 9.0, 2.0 / 9.0, 1.0 / 9.0, 2.0 / 9.0],
    );
    let presence = SamplerConfig { presence_penalty: 2f32.ln(), ..base() };
    check("presence", presence, &logits, &[0, 0, 0], &[1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0, 1.0 / 6.0]);
    let frequency = SamplerConfig { frequency_penalty: 2f32.ln(), ..base() };
    check("frequency", frequency, &logits, &[0, 0, 7], &[0.2, 0.4, 0.2, 0.2]);
    let repetition = SamplerConfig { repetition_penalty: 2.0, ..base() };
    check(
        "repetition",
        repetition,
        &[2f32.ln(), 0.5f32.ln()],
        &[0, 1, 1],
        &[2f64.sqrt() / (2f64.sqrt() + 0.25), 0.25 / (2f64.sqrt() + 0.25)],
    );
}

#[test]
fn large_vocabularies_keep_exactly_top_p() {
    let logits: Vec<f32> =
        (0..50_257u32).map(|id| ((id.wrapping_mul(2_654_435_761) >> 8) % 20_011) as f32 / 2_500.0).collect();
    let mut sorted: Vec<(u32, f64)> = (0..).zip(&logits).map(|(id, &logit)| (id, f64::from(logit).exp())).collect();
    sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let total: f64 = sorted.iter().map(|(_, weight)| weight).sum();
    let mut sum = 0.0;
    let kept: std::collections::HashSet<u32> = sorted
        .iter()
        .take_while(|(_, weight)| {
            let before = sum;
            sum += weight / total;
            before < 0.5
        })
        .map(|(id, _)| *id)
        .collect();
    assert!(kept.len() > 1000, "{}", kept.len());
    let mut sampler = sampler(SamplerConfig { top_p: 0.5, ..SamplerConfig::default() });
    for _ in 0..300 {
        assert!(kept.contains(&sampler.sample(&mut logits.clone(), &[])));
    }
}

#[test]
fn greedy_takes_the_lowest_of_equals() {
    assert_eq!(sampler(SamplerConfig::greedy()).sample(&mut [1.0, 3.0, 3.0, f32::NAN], &[]), 1);
    assert_eq!(argmax(&[f32::NAN, f32::NEG_INFINITY]), 1);
    assert_eq!(argmax(&[f32::NAN]), 0);
    let penalty = SamplerConfig { repetition_penalty: 4.0, ..SamplerConfig::greedy() };
    assert_eq!(sampler(penalty).sample(&mut [1.0, 3.0, 2.0], &[1]), 2);
    assert!(SamplerConfig::greedy().is_plain_greedy());
}

#[test]
fn a_seed_decides() {
    let draw = |seed| {
        let mut sampler = sampler(SamplerConfig { seed: Some(seed), ..SamplerConfig::default() });
        (0..64).map(|_| sampler.sample(&mut [0.0; 100], &[])).collect::<Vec<u32>>()
    };
    assert_eq!(draw(5), draw(5));
    assert_ne!(draw(5), draw(6));
    assert!(Sampler::new(SamplerConfig::default()).is_ok());
}

#[test]
fn odd_logits_give_a_token() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let rows: [(&[f32], &[u32]); 6] = [
        (&[nan, nan], &[0]),
        (&[-inf, -inf], &[0]),
        (&[nan, 1.0, -inf], &[1]),
        (&[inf, 0.0, inf], &[0, 2]),
        (&[f32::MAX, f32::MIN], &[0]),
        (&[], &[0]),
    ];
    for (row, allowed) in rows {
        for config in [
            SamplerConfig::default(),
            SamplerConfig { temperature: 1e-30, top_k: 2, top_p: 0.9, min_p: 0.1, ..SamplerConfig::default() },
            SamplerConfig { temperature: 1e30, repetition_penalty: 1.5, ..SamplerConfig::default() },
        ] {
            let hot = config.temperature > 1e20;
            let id = sampler(config).sample(&mut row.to_vec(), &[0, 1, 500]);
            assert!(allowed.contains(&id) || hot && (id as usize) < row.len(), "{row:?}: {id}");
        }
    }
}

#[test]
fn values_without_meaning_are_refused() {
    let base = SamplerConfig::default;
    let cases = [
        ("temperature", SamplerConfig { temperature: -1.0, ..base() }),
        ("temperature", SamplerConfig { temperature: f32::NAN, ..base() }),
        ("temperature", SamplerConfig { temperature: f32::INFINITY, ..base() }),
        ("top_p", SamplerConfig { top_p: 0.0, ..base() }),
        ("top_p", SamplerConfig { top_p: 1.5, ..base() }),
        ("top_p", SamplerConfig { top_p: f32::NAN, ..base() }),
        ("min_p", SamplerConfig { min_p: -0.1, ..base() }),
        ("repetition_penalty", SamplerConfig { repetition_penalty: 0.0, ..base() }),
        ("presence_penalty", SamplerConfig { presence_penalty: f32::NAN, ..base() }),
        ("frequency_penalty", SamplerConfig { frequency_penalty: f32::INFINITY, ..base() }),
        ("logit_bias", SamplerConfig { logit_bias: vec![(0, f32::NAN)], ..base() }),
    ];
    for (setting, config) in cases {
        let error = config.validate().unwrap_err().to_string();
        assert!(error.starts_with(setting) && !error.contains('\n'), "{error}");
    }
    base().validate().unwrap();
}
