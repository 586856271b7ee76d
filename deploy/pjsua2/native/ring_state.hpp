/* What hearing.hpp and streams.hpp share of a ring, and of a collector; not the application's. */
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "hearing.hpp"
#include "leg_audio.hpp"

namespace callvane {

class Outlet;

struct CollectorState {
    mutable std::mutex guard;
    std::vector<std::shared_ptr<RingState>> ready, rings;
    size_t share = 0;
    AudioCounts totals = AudioCounts();
};

/* Its guard is taken before its collector's, never the other way round; whoever calls its functions has taken it. */
struct RingState : std::enable_shared_from_this<RingState> {
    /* As SpeechGate's. */
    RingState(unsigned number, unsigned pre_roll, unsigned hangover, int aggressiveness, unsigned ahead);

    const unsigned number;
    mutable std::mutex guard;
    LegAudio audio;
    unsigned listening; /* which attachment counts; the library may let go of earlier ones later */
    bool listed; /* among the collector's ready ones */
    std::shared_ptr<CollectorState> collector;
    LegCounts told; /* what the collector has counted of it */

    /* Lets the collector know that there is something. */
    void tell();

    /* Whether all was taken. */
    bool take(Outlet &out);

    /* Adds to a collector's totals what has been counted since. */
    void count(CollectorState &by);
};

} // namespace callvane
