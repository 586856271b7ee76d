/*
 * What the application hears of many legs: each leg's stretches of speech wait in a bounded ring of its own, and those
 * of all rings are taken together, with one call. No Python runs on the library's threads for it.
 *
 * Any thread may do anything with a ring; none waits for longer than a packet takes.
 */
#pragma once

#include <cstddef>
#include <memory>

namespace callvane {

struct RingState;
struct CollectorState;

/*
 * What precedes one entry where it is taken, as the application reads it out of memory. Its frames' flags, a byte each,
 * and their samples of 16 bits follow in a memory of their own.
 */
struct AudioEntry {
    unsigned ring;
    /* As Stretch::Kind. */
    unsigned kind;
    unsigned frames;
    unsigned clipped;
    unsigned long long start;
    double anchor;
    double energy;
};

/* As LegCounts, of one leg or of all, with the lag of one. */
struct AudioCounts {
    unsigned long long heard, lost, late, dropped, undecodable, foreign;
    unsigned undecodableType;
    double lagSeconds;
};

/* One leg's. */
class AudioRing {
public:
    /* `number` names it where its entries are taken. The others: see SpeechGate. */
    AudioRing(unsigned number, unsigned preRoll, unsigned hangover, int aggressiveness, unsigned ahead = 0);
    ~AudioRing();

    /* Listens to a stream of a call from now on; whether there is one. Of the thread that owns the library. */
    bool listen(int call, unsigned stream);
    /* Listens to it no more: nothing of it comes into the ring when this returns. */
    void ignore();

    void begin(double seconds, double now);
    void pause(double now);
    void resume(double now);

    /* Says what a payload type is; `listen` takes them from the offer. */
    void setPayload(unsigned type, const char *encoding, unsigned clockHz, unsigned channels);
    /* One RTP packet's fields and payload, as a stream brings it. */
    void receive(unsigned type, unsigned number, unsigned timestamp, unsigned source, const char *data, size_t size,
                 double now);
    /* Samples as they are. */
    void put(const char *data, size_t size, double now);

    /* Takes what is there, and the speech that is going on as far as it has come; the number of entries. */
    unsigned take(char *entries, size_t entries_size, char *audio, size_t audio_size);

    /* Frames of the leg's time so far. */
    unsigned long long position(double now) const;
    AudioCounts counts() const;

private:
    friend class AudioCollector;
    AudioRing(const AudioRing &);
    AudioRing &operator=(const AudioRing &);
    std::shared_ptr<RingState> state_;
};

/* Many rings, whose entries are taken together. */
class AudioCollector {
public:
    AudioCollector();

    void add(AudioRing &ring);
    void remove(AudioRing &ring);

    /* Takes what is there, each ring's in its order, as far as there is room; the number of entries. It is also what
     * lets time pass for the rings: to be called every 20 ms or so. */
    unsigned take(char *entries, size_t entries_size, char *audio, size_t audio_size, double now);

    /* Of all rings that there have been; complete after some rounds of `take`. */
    AudioCounts totals() const;

private:
    void tick(double now);
    std::shared_ptr<CollectorState> state_;
};

/* Where the speech engine is: the compiled module of the package webrtcvad. Raises where it is not what it was. */
void loadSpeechEngine(const char *module);

} // namespace callvane
