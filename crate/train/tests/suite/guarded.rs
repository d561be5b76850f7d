//! A rate that explodes is caught, and nothing is overwritten.

use dynasty_train::Error;
use dynasty_train::metrics::{self, Record};
use dynasty_train::session::METRICS;

use crate::small::{Folder, train};

#[test]
fn a_rate_that_explodes_ends_with_an_error_and_keeps_the_checkpoints() {
    let folder = Folder::new("explodes");
    let more = "[optimizer]\nrule = 'sgd'\nlearning_rate = 10.0\nmomentum = 0.99\nclip = 0.0\n\
        [guard]\nspike = 1.05\npatience = 2\nrollbacks = 1\nslower = 1.0";
    let mut recipe = folder.recipe("out", more);
    recipe.train.steps = 400;
    recipe.schedule.warmup = 0;
    let error = train(&recipe, 1, false).unwrap_err();
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
    let records = metrics::read(&recipe.output.join(METRICS)).unwrap();
    let actions: Vec<&str> = records
        .iter()
        .filter_map(|record| match record {
            Record::Guard { action, .. } => Some(&**action),
            _ => None,
        })
        .collect();
    assert!(actions.contains(&"skip") && actions.contains(&"roll_back"), "{actions:?}");
    assert_eq!(actions.last(), Some(&"stop"));
    assert!(!dynasty_train::checkpoint::steps(&recipe.output).unwrap().is_empty());
}
