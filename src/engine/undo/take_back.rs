//! Taking one change back: on the log first, as every change.

use crate::action::{self, ActionError, Mutation, Plan, RunMark};
use crate::engine::act::{settle, start, unneeded};
use crate::engine::brakes::brake;
use crate::engine::drive::{Driver, Flow};
use crate::engine::read::within;
use crate::engine::walk::StepAt;
use crate::model::Intent;
use crate::store::StoreError;

/// Looks whether the object is still as the change left it, and puts back what was there before.
pub(in crate::engine) async fn take_back(
    driver: &mut Driver<'_>,
    at: &StepAt<'_>,
    action: &dyn Mutation,
    made: &Intent,
    attempt: u32,
) -> Result<Flow, StoreError> {
    if let Some(flow) = settle(driver, at, action, attempt).await? {
        return Ok(flow);
    }
    // For other changes the caller has asked about brakes; `start` asks only about the object.
    if let Some(by) = brake(driver, true).await? {
        return driver.failed(at, attempt, ActionError::held_up(format!("{by} holds it")), Vec::new()).await;
    }
    let target = driver.frame.target(&driver.state, &at.address).clone();
    let run = RunMark { database: &driver.frame.mark, run: driver.frame.run.id };
    let decided = action::take_back(action, driver.world, &target, made, run, &at.address);
    match within(driver.world, driver.until(), decided).await {
        Ok(Plan::Do(intent)) => start(driver, at, action, attempt, intent, Vec::new()).await,
        Ok(Plan::Unneeded(output)) => unneeded(driver, at, output, Vec::new()).await,
        Err(error) => driver.failed(at, attempt, error, Vec::new()).await,
    }
}
