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
%feature("director") callvane::Door;
%include "hearing.hpp"
%include "streams.hpp"
%include "door.hpp"
%exception;
