/*
 * What of a leg's frames goes on to the application: speech, with what surrounds it. It waits in stretches, in a
 * bounded queue, until it is taken. Frames are 20 ms (FRAME_SAMPLES); their numbers are the leg's.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "speech.hpp"

namespace callvane {

/* What goes to the application: a stretch of frames, or a mark between two. */
struct Stretch {
    enum Kind { speech, speech_ends, paused, resumed };
    Kind kind;
    /* Number of its first frame in the leg; for a mark, of the next one. */
    uint64_t start;
    /* One byte a frame, 1 for speech. */
    std::vector<char> flags;
    std::vector<int16_t> samples;
    /* Unix seconds at frame 0. */
    double anchor;
    /* Over the frames of speech: the sum of their samples' squares, and samples at the codec's ceiling. */
    double energy;
    unsigned clipped;

    size_t frames() const { return flags.size(); }
};

class SpeechGate {
public:
    /* `pre_roll`, `hangover`: frames before speech that go with it, and unvoiced ones that end it. `ahead`: unvoiced ones
     * after which what was said is handed over, though the speech may go on; 0 for none. Throws std::runtime_error as
     * SpeechDetector does. */
    SpeechGate(unsigned pre_roll, unsigned hangover, int aggressiveness, unsigned ahead);

    /* Unix seconds at frame 0, for whatever is put among the stretches from now on. */
    void set_anchor(double anchor) { anchor_ = anchor; }

    /* The next frame, by its number; whether it goes on. Where it does not, it may be the pre-roll of what follows. */
    bool hear(const int16_t *samples, uint64_t number);

    /* Keeps that frame as pre-roll. In the place of the oldest, where its own number is the next frame's too. */
    void keep(const int16_t *samples, bool replaces);

    /* What is next does not follow what was heard: speech ends, and nothing is the pre-roll of anything. */
    void interrupt();

    /* Puts the speech that is going on among the stretches, as far as it has come. */
    void hand_over();

    /* Puts a mark among them, before the frame of that number. Of two marks with nothing between, the later stays. */
    void mark(Stretch::Kind kind, uint64_t number);

    bool talking() const { return talking_; }

    /* In frames. */
    unsigned hangover() const { return hangover_; }

    /* The oldest of what waits, null where nothing does. */
    const Stretch *oldest() const { return stretches_.empty() ? nullptr : &stretches_.front(); }

    /* The oldest was taken. */
    void taken();

    /* Frames that were not taken in time: the oldest go when the queue is full. */
    uint64_t dropped() const { return dropped_; }

private:
    void add(const int16_t *samples, bool voiced);
    void emit(Stretch::Kind kind);
    void push(Stretch &&stretch);

    const unsigned pre_roll_, hangover_, ahead_;
    SpeechDetector detector_;
    double anchor_;
    bool talking_;
    unsigned silent_frames_;
    std::deque<std::vector<int16_t>> before_; /* unvoiced frames, the pre-roll of what follows */
    Stretch now_;
    std::deque<Stretch> stretches_;
    size_t waiting_frames_; /* in stretches_ */
    uint64_t dropped_;
};

} // namespace callvane
