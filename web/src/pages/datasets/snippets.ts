/** Programs that read a table. Each is whole: pasted, it prints rows. */

const python = JSON.stringify;
const sql = (text: string) => `'${text.replaceAll("'", "''")}'`;
const shell = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** By engine. Where nothing else is said, `location` is a folder or an URL of an object store. */
export function snippets(location: string, datasetId: string, sandbox: string): Record<string, string> {
  return {
    polars: `import polars as pl

rows = pl.scan_delta(${python(location)})
print(rows.head(10).collect())`,
    // With files of deltalake's own the program may not end: threads that read ahead ask a Python that is gone.
    duckdb: `import duckdb
from deltalake import DeltaTable
from pyarrow import fs

location = ${python(location)}
files, path = fs.FileSystem.from_uri(location)
rows = DeltaTable(location).to_pyarrow_dataset(filesystem=fs.SubTreeFileSystem(path, files))
print(duckdb.sql("SELECT * FROM rows LIMIT 10"))`,
    sql: `INSTALL delta;
LOAD delta;
SELECT * FROM delta_scan(${sql(location)}) LIMIT 10;`,
    spark: `rows = spark.read.format("delta").load(${python(location)})
rows.show(10)`,
    flowservice: `flowservice sql --sandbox ${shell(sandbox)} ${shell(`SELECT * FROM "${datasetId}" LIMIT 10`)}`,
  };
}
