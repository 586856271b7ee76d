#include "speech.hpp"

#include <dlfcn.h>

#include <atomic>
#include <cstring>
#include <stdexcept>
#include <string>

namespace callvane {

namespace {

/* As webrtc_vad.h declares them, in the release of the package that the lock file pins. */
struct Engine {
    int (*create)(void **);
    void (*free)(void *);
    int (*init)(void *);
    int (*set_mode)(void *, int);
    int (*process)(void *, int, const int16_t *, int);
};

Engine engine;
std::atomic<bool> loaded{false};

template <typename Function>
void find(void *library, const char *name, Function &function)
{
    void *found = dlsym(library, name);
    if (!found)
        throw std::runtime_error(std::string("the speech engine lacks ") + name);
    std::memcpy(&function, &found, sizeof(found));
}

bool is_silent(const int16_t *frame)
{
    for (size_t i = 0; i < FRAME_SAMPLES; ++i) {
        if (frame[i])
            return false;
    }
    return true;
}

} // namespace

void load_speech_engine(const char *module)
{
    if (loaded)
        return;
    void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        throw std::runtime_error(std::string("the speech engine cannot be loaded: ") + dlerror());
    find(library, "WebRtcVad_Create", engine.create);
    find(library, "WebRtcVad_Free", engine.free);
    find(library, "WebRtcVad_Init", engine.init);
    find(library, "WebRtcVad_set_mode", engine.set_mode);
    find(library, "WebRtcVad_Process", engine.process);
    loaded = true;
}

SpeechDetector::SpeechDetector(int aggressiveness) : engine_(nullptr)
{
    if (!loaded)
        throw std::runtime_error("no speech engine was loaded");
    if (engine.create(&engine_) || !engine_)
        throw std::runtime_error("the speech engine has no memory");
    if (engine.init(engine_) || engine.set_mode(engine_, aggressiveness)) {
        engine.free(engine_);
        throw std::runtime_error("the speech engine takes an aggressiveness of 0 to 3");
    }
}

SpeechDetector::~SpeechDetector() { engine.free(engine_); }

bool SpeechDetector::is_speech(const int16_t *frame)
{
    return !is_silent(frame) && engine.process(engine_, SAMPLE_RATE_HZ, frame, FRAME_SAMPLES) == 1;
}

} // namespace callvane
