//! Parts, sleepers, panics.

use super::*;

#[test]
fn every_part_runs_once() {
    for threads in [0, 1, 2, 3, 8] {
        let pool = Pool::new(threads);
        for parts in [0, 1, 2, 7, 100] {
            let counts: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
            for _ in 0..50 {
                pool.run(parts, &|part| {
                    counts[part].fetch_add(1, Ordering::Relaxed);
                });
            }
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 50), "{threads} {parts}");
        }
    }
}

#[test]
fn sleepers_wake() {
    let pool = Pool::new(3);
    for _ in 0..5 {
        std::thread::sleep(std::time::Duration::from_millis(5));
        let sum = AtomicUsize::new(0);
        pool.run(64, &|part| {
            sum.fetch_add(part, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 2016);
    }
}

#[test]
fn a_job_inside_a_job_runs_on_its_thread() {
    let pool = Pool::new(2);
    let sum = AtomicUsize::new(0);
    pool.run(4, &|_| {
        pool.run(4, &|part| {
            sum.fetch_add(part, Ordering::Relaxed);
        })
    });
    assert_eq!(sum.into_inner(), 24);
}

#[test]
fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
    let pool = Pool::new(2);
    let result = catch_unwind(AssertUnwindSafe(|| pool.run(8, &|part| assert_ne!(part, 5))));
    assert!(result.is_err());
    let sum = AtomicUsize::new(0);
    pool.run(8, &|part| {
        sum.fetch_add(part, Ordering::Relaxed);
    });
    assert_eq!(sum.into_inner(), 28);
}
