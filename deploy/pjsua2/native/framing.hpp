/*
 * Samples of 8 kHz in, however many at once; frames of 20 ms out (FRAME_SAMPLES). And what stands in for a gap.
 */
#pragma once

#include <cstddef>
#include <cstdint>

#include "speech.hpp"

namespace callvane {

class Framing {
public:
    /* Called within `append` and `bridge`. */
    class Receiver {
    public:
        virtual void frame(const int16_t *samples) = 0;

    protected:
        ~Receiver() {}
    };

    explicit Framing(Receiver &receiver);
    Framing(const Framing &) = delete;
    Framing &operator=(const Framing &) = delete;

    void append(const int16_t *samples, size_t count);

    /* Appends silence for samples that never came; for few that were lost, what was heard last. */
    void bridge(size_t count, bool lost);

    /* Samples of a frame that has begun, 0 to FRAME_SAMPLES - 1. */
    size_t partial() const { return partial_size_; }
    void drop_partial() { partial_size_ = 0; }

private:
    void hand_on(const int16_t *samples);

    Receiver &receiver_;
    int16_t partial_[FRAME_SAMPLES];
    size_t partial_size_;
    int16_t last_[FRAME_SAMPLES];
};

} // namespace callvane
