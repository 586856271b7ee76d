/* Tells speech from everything else, frame by frame, with the engine of the Python package webrtcvad. */
#pragma once

#include <cstddef>
#include <cstdint>

namespace callvane {

enum { SAMPLE_RATE_HZ = 8000, FRAME_SAMPLES = 160, FRAMES_A_SECOND = SAMPLE_RATE_HZ / FRAME_SAMPLES };

/* Loads the engine out of the package's compiled module, once. Throws std::runtime_error where that lacks it. */
void load_speech_engine(const char *module);

/* One leg's detector: it adapts to the leg's noise, so legs do not share one. */
class SpeechDetector {
public:
    /* Throws std::runtime_error where no engine was loaded, or the aggressiveness is not 0 to 3. */
    explicit SpeechDetector(int aggressiveness);
    ~SpeechDetector();
    SpeechDetector(const SpeechDetector &) = delete;
    SpeechDetector &operator=(const SpeechDetector &) = delete;

    /* Whether a frame is speech. Digital silence is not looked at: there is nothing in it to adapt to. */
    bool is_speech(const int16_t *frame);

private:
    void *engine_;
};

} // namespace callvane
