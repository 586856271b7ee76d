/* Callvane's own part of the Python module, beside the library's. */
%{
#include "door.hpp"
#include "hearing.hpp"
#include "streams.hpp"
%}

%include <pybuffer.i>
%pybuffer_binary(const char *data, size_t size);
%pybuffer_mutable_binary(char *entries, size_t entries_size);
%pybuffer_mutable_binary(char *audio, size_t audio_size);

%exception {
    try {
        $action
    } catch (const Swig::DirectorException &) {
        throw;
    } catch (const std::exception &error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
        SWIG_fail;
    }
}
%typemap(out) callvane::StreamCounts {
    const callvane::StreamCounts &counts = $1;
    if (counts.there)
        $result = Py_BuildValue("(KKdKsKlKKI)", counts.packets, counts.missed, counts.jitter_seconds, counts.reports,
                                counts.source.c_str(), counts.dropped, counts.ring, counts.late, counts.undecodable,
                                counts.undecodable_type);
    else
        $result = SWIG_Py_Void();
}
%ignore callvane::StreamCounts;
%feature("director") callvane::Door;
%include "hearing.hpp"
%include "streams.hpp"
%include "door.hpp"
%exception;
