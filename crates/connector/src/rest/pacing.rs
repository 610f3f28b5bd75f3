//! How fast requests go that have a budget besides the account's rate.

use std::sync::PoisonError;
use std::time::Instant;

use super::connected::Rest;
use super::given::number;
use super::written::BudgetYaml;

impl Rest {
    /// Waits until a budget allows one more request: what the system would refuse is not sent.
    pub(super) fn wait_for_budget(&self, name: Option<&String>) {
        let rate = &self.manifest.rate;
        let Some((name, most)) = name.and_then(|name| Some((name, *rate.budgets.get(name)?)))
        else {
            return;
        };
        let own = number(&self.client.settings, "rate_per_second")
            .filter(|_| matches!(most, BudgetYaml::PerMinute(_)));
        let faster =
            own.zip(rate.per_second).map_or(1.0, |(own, vendors)| (own / vendors).max(1.0));
        let (most, window) = most.limit();
        let most = (f64::from(most) * faster) as usize;
        // Who waits for one budget does not keep others from theirs.
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = budgets.entry(name.clone()).or_default().take(most, window, Instant::now());
        drop(budgets);
        if !wait.is_zero() {
            std::thread::sleep(wait);
        }
    }
}
