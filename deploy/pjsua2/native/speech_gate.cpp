#include "speech_gate.hpp"

#include <cstdlib>
#include <iterator>
#include <utility>

namespace callvane {

namespace {

/* A stretch is handed over by then, though the speech goes on. */
const size_t STRETCH_FRAMES = FRAMES_A_SECOND;
/* What waits for the application: past it the oldest goes. */
const size_t WAITING_FRAMES = 5 * FRAMES_A_SECOND;
/* G.711's largest samples are 32,124 (u-law) and 32,256 (A-law). */
const int CLIPPED_SAMPLE = 32000;

} // namespace

SpeechGate::SpeechGate(unsigned pre_roll, unsigned hangover, int aggressiveness, unsigned ahead)
    : pre_roll_(pre_roll), hangover_(hangover), ahead_(ahead), detector_(aggressiveness), anchor_(0), talking_(false),
      silent_frames_(0), now_(), waiting_frames_(0), dropped_(0)
{
}

bool SpeechGate::hear(const int16_t *samples, uint64_t number)
{
    bool voiced = detector_.is_speech(samples);
    if (!talking_ && !voiced)
        return false;
    if (!talking_) {
        talking_ = true;
        silent_frames_ = 0;
        now_.start = number - before_.size();
        for (const auto &each : before_)
            add(each.data(), false);
        before_.clear();
        add(samples, true);
        return true;
    }
    add(samples, voiced);
    silent_frames_ = voiced ? 0 : silent_frames_ + 1;
    if (silent_frames_ >= hangover_) {
        emit(Stretch::speech);
        talking_ = false;
    } else if ((!voiced && silent_frames_ == ahead_) || now_.frames() >= STRETCH_FRAMES) {
        emit(Stretch::speech);
    }
    return true;
}

void SpeechGate::keep(const int16_t *samples, bool replaces)
{
    bool full = before_.size() == pre_roll_ || replaces;
    if (full && !before_.empty()) {
        before_.push_back(std::move(before_.front()));
        before_.pop_front();
        before_.back().assign(samples, samples + FRAME_SAMPLES);
    } else if (!full) {
        before_.emplace_back(samples, samples + FRAME_SAMPLES);
    }
}

void SpeechGate::interrupt()
{
    if (talking_) {
        emit(Stretch::speech_ends);
        talking_ = false;
    }
    before_.clear();
}

void SpeechGate::hand_over()
{
    if (talking_ && now_.frames())
        emit(Stretch::speech);
}

void SpeechGate::add(const int16_t *samples, bool voiced)
{
    now_.flags.push_back(voiced ? 1 : 0);
    now_.samples.insert(now_.samples.end(), samples, samples + FRAME_SAMPLES);
    if (!voiced)
        return;
    int64_t energy = 0;
    for (size_t i = 0; i < FRAME_SAMPLES; ++i) {
        int sample = samples[i];
        energy += (int64_t)sample * sample;
        now_.clipped += std::abs(sample) >= CLIPPED_SAMPLE;
    }
    now_.energy += (double)energy;
}

/* What has come of the speech so far; the next stretch goes on behind it. */
void SpeechGate::emit(Stretch::Kind kind)
{
    Stretch stretch = std::move(now_);
    now_ = Stretch();
    now_.start = stretch.start + stretch.frames();
    stretch.kind = kind;
    stretch.anchor = anchor_;
    push(std::move(stretch));
}

void SpeechGate::mark(Stretch::Kind kind, uint64_t number)
{
    Stretch stretch = Stretch();
    if (!stretches_.empty() && !stretches_.back().frames()) /* what ended there ends here too */
        stretches_.pop_back();
    stretch.kind = kind;
    stretch.start = number;
    stretch.anchor = anchor_;
    push(std::move(stretch));
}

void SpeechGate::push(Stretch &&stretch)
{
    waiting_frames_ += stretch.frames();
    stretches_.push_back(std::move(stretch));
    auto oldest = stretches_.begin();
    while (waiting_frames_ > WAITING_FRAMES && oldest != stretches_.end()) {
        if (!oldest->frames()) { /* a mark: the latest of several stays */
            ++oldest;
            continue;
        }
        dropped_ += oldest->frames();
        waiting_frames_ -= oldest->frames();
        oldest = stretches_.erase(oldest);
        if (oldest != stretches_.begin() && oldest != stretches_.end() && !oldest->frames())
            oldest = stretches_.erase(std::prev(oldest));
    }
}

void SpeechGate::taken()
{
    waiting_frames_ -= stretches_.front().frames();
    stretches_.pop_front();
}

} // namespace callvane
