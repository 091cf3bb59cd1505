//! The Python module `flowservice_native`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, to_ffi};
use arrow_array::{Array, StructArray};
use arrow_schema::{DataType, Field, Fields};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use crate::column::arrow_type;
use crate::decoder::{Decoder, Fault};
use crate::edm::Kind;

pyo3::create_exception!(
    flowservice_native,
    PageFault,
    PyValueError,
    "A page was refused: its arguments are what is wrong, the property's name and its stated type, '' where none is."
);

fn refused(fault: Fault) -> PyErr {
    let (what, name, kind) = match fault {
        Fault::Garbled => ("garbled", String::new(), ""),
        Fault::Shapeless => ("shapeless", String::new(), ""),
        Fault::Repeated(name) => ("repeated", name, ""),
        Fault::Nested(name) => ("nested", name, ""),
        Fault::Oversized => ("oversized", String::new(), ""),
        Fault::Unfit(name, kind) => ("unfit", name, kind.name()),
    };
    PageFault::new_err((what, name, kind))
}

/// Collects pages into batches.
#[pyclass(name = "Decoder", module = "flowservice_native")]
struct PyDecoder(Decoder);

#[pymethods]
impl PyDecoder {
    #[new]
    #[pyo3(signature = (columns=None, declared=None))]
    fn new(columns: Option<HashSet<String>>, declared: Option<HashMap<String, String>>) -> PyResult<Self> {
        let mut kinds = HashMap::new();
        for (name, kind) in declared.unwrap_or_default() {
            let known = Kind::of(kind.as_bytes());
            kinds.insert(name, known.ok_or_else(|| PyValueError::new_err(format!("{kind} is no type of a table")))?);
        }
        Ok(PyDecoder(Decoder::new(columns, kinds)))
    }

    /// Rows since the last batch.
    #[getter]
    fn rows(&self) -> usize {
        self.0.rows()
    }

    /// PartitionKey and RowKey of the last row.
    #[getter]
    fn last_key(&self) -> Option<(&str, &str)> {
        self.0.last_key()
    }

    /// Append the entities of a page; how many. Raises PageFault, and keeps nothing of it then.
    fn add(&mut self, py: Python<'_>, body: &Bound<'_, PyAny>) -> PyResult<usize> {
        let buffer = PyBuffer::<u8>::get(body)?;
        if buffer.readonly() && buffer.is_c_contiguous() {
            // SAFETY: the buffer is contiguous, nobody may write to it, and `buffer` keeps it alive.
            let bytes = unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), buffer.len_bytes()) };
            let decoder = &mut self.0;
            py.detach(|| decoder.add(bytes)).map_err(refused)
        } else {
            let bytes = buffer.to_vec(py)?;
            py.detach(|| self.0.add(&bytes)).map_err(refused)
        }
    }

    /// All rows since the last batch. A column with several types comes as several of one name.
    fn batch(&mut self) -> Batch {
        let (decoded, rows) = self.0.finish();
        let (mut fields, mut arrays) = (Vec::with_capacity(decoded.len()), Vec::with_capacity(decoded.len()));
        for column in decoded {
            let metadata = HashMap::from([("source_type".to_owned(), column.kind.name().to_owned())]);
            fields.push(Field::new(column.name, arrow_type(column.kind), true).with_metadata(metadata));
            arrays.push(column.values);
        }
        let fields = Fields::from(fields);
        // SAFETY: the arrays are of their fields' types and have `rows` rows each.
        let columns = unsafe { StructArray::new_unchecked_with_length(fields, arrays, None, rows) };
        Batch(Arc::new(columns))
    }
}

/// A batch, in the Arrow C data interface.
#[pyclass(frozen, module = "flowservice_native")]
struct Batch(Arc<StructArray>);

#[pymethods]
impl Batch {
    #[getter]
    fn rows(&self) -> usize {
        self.0.len()
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let _ = requested_schema; // there is one form of it
        let wrong = |error: arrow_schema::ArrowError| PyValueError::new_err(error.to_string());
        let (array, _): (FFI_ArrowArray, FFI_ArrowSchema) = to_ffi(&self.0.to_data()).map_err(wrong)?;
        let fields = match self.0.data_type() {
            DataType::Struct(fields) => fields.clone(),
            _ => Fields::empty(),
        };
        let schema = FFI_ArrowSchema::try_from(DataType::Struct(fields)).map_err(wrong)?;
        let schema = PyCapsule::new_with_value(py, schema, c"arrow_schema")?;
        let array = PyCapsule::new_with_value(py, array, c"arrow_array")?;
        PyTuple::new(py, [schema, array])
    }
}

/// The native decoder of pages of Azure tables.
#[pymodule(gil_used = false)]
fn flowservice_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("PageFault", module.py().get_type::<PageFault>())?;
    module.add_class::<PyDecoder>()?;
    module.add_class::<Batch>()
}
