#include "framing.hpp"

#include <algorithm>
#include <cstring>

namespace callvane {

namespace {

/* Of a loss, so much is bridged by repeating what was heard last; more is silence. */
const size_t CONCEALED_SAMPLES = 3 * FRAME_SAMPLES;

} // namespace

Framing::Framing(Receiver &receiver) : receiver_(receiver), partial_size_(0)
{
    std::memset(last_, 0, sizeof(last_));
}

void Framing::append(const int16_t *samples, size_t count)
{
    while (count) {
        if (!partial_size_ && count >= FRAME_SAMPLES) { /* the usual case: a packet of whole frames */
            hand_on(samples);
            samples += FRAME_SAMPLES;
            count -= FRAME_SAMPLES;
            continue;
        }
        size_t part = std::min<size_t>(count, FRAME_SAMPLES - partial_size_);
        std::memcpy(partial_ + partial_size_, samples, part * sizeof(int16_t));
        partial_size_ += part;
        samples += part;
        count -= part;
        if (partial_size_ == FRAME_SAMPLES) {
            partial_size_ = 0;
            hand_on(partial_);
        }
    }
}

void Framing::bridge(size_t count, bool lost)
{
    static const int16_t silence[FRAME_SAMPLES] = {0};
    int16_t repeated[FRAME_SAMPLES];
    std::memcpy(repeated, last_, sizeof(repeated));
    bool conceal = lost && count <= CONCEALED_SAMPLES;
    while (count) {
        size_t part = std::min<size_t>(count, FRAME_SAMPLES);
        for (int16_t &sample : repeated) /* each repetition half as loud */
            sample = (int16_t)(sample / 2);
        append(conceal ? repeated : silence, part);
        count -= part;
    }
}

void Framing::hand_on(const int16_t *samples)
{
    std::memcpy(last_, samples, sizeof(last_));
    receiver_.frame(samples);
}

} // namespace callvane
