//! The name of a damaged file: DataFusion's Parquet scan says what is wrong with a page, and the file is added here.
//!
//! The statement has failed by then, so there is time to read its files one by one until the error comes again.

use crate::error::{ErrorKind, QueryError};
use crate::lake::name_in_lake;
use arrow::error::ArrowError;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::StreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use std::sync::Arc;

/// The rows of a plan, whose errors of decoding name a file.
pub(crate) fn naming(
    rows: SendableRecordBatchStream,
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
) -> SendableRecordBatchStream {
    let schema = rows.schema();
    let rows = rows.then(move |batch| {
        let (plan, context) = (plan.clone(), context.clone());
        async move {
            match batch {
                Err(error) if is_decoding(&error) => Err(named(error, &plan, &context).await),
                batch => batch,
            }
        }
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}

fn is_decoding(error: &DataFusionError) -> bool {
    match error.find_root() {
        // What the lake says of a file names it already.
        DataFusionError::ParquetError(error) => !matches!(error.as_ref(), ParquetError::External(_)),
        DataFusionError::ArrowError(error, _) => matches!(error.as_ref(), ArrowError::ParquetError(_)),
        _ => false,
    }
}

async fn named(error: DataFusionError, plan: &Arc<dyn ExecutionPlan>, context: &TaskContext) -> DataFusionError {
    for (store, file) in files(plan) {
        if let Err(reason) = read(&store, &file, context).await {
            let message = format!("cannot read the parquet file {}: {}", name_in_lake(&file), reason.strip_backtrace());
            return DataFusionError::External(Box::new(QueryError::new(ErrorKind::Corrupted, message)));
        }
    }
    error
}

/// The parquet files a plan scans.
fn files(plan: &Arc<dyn ExecutionPlan>) -> Vec<(ObjectStoreUrl, Path)> {
    let mut files = Vec::new();
    let walked = plan.apply(|node| {
        if let Some(scan) = node.downcast_ref::<DataSourceExec>()
            && let Some(config) = scan.data_source().downcast_ref::<FileScanConfig>()
        {
            let scanned = config.file_groups.iter().flat_map(|group| group.iter());
            files.extend(scanned.map(|file| (config.object_store_url.clone(), file.object_meta.location.clone())));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "nothing in the walk fails");
    files
}

async fn read(store: &ObjectStoreUrl, file: &Path, context: &TaskContext) -> Result<(), DataFusionError> {
    let bytes = context.runtime_env().object_store(store)?.get(file).await?.bytes().await?;
    for batch in ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()? {
        batch?;
        // A statement that is cancelled meanwhile ends here.
        tokio::task::yield_now().await;
    }
    Ok(())
}
