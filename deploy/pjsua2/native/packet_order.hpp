/*
 * One stream's packets in the order of their numbers, whatever the network did to it; and of one source at a time.
 * Pure: the clock is passed in, `now` in unix seconds.
 */
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace callvane {

struct Packet {
    unsigned type;
    uint16_t number;
    uint32_t timestamp;
    uint32_t source;
    const uint8_t *payload;
    size_t size;
};

/* How a packet stands to the one that was handed on before it. */
struct Place {
    /* When it came, in unix seconds: it may have waited since. */
    double arrived;
    /* Packets between the two that are waited for no longer. */
    unsigned given_up;
    /* The first of a stream, or of one that begins anew: its numbers and timestamps tell nothing of what was before. */
    bool begins;
};

class PacketOrder {
public:
    /* Called within a PacketOrder's own functions; not to call back. */
    class Receiver {
    public:
        /* The next one. Its payload is there for the time of the call. */
        virtual void next(const Packet &packet, const Place &place) = 0;

        /* One that was given up has come after all, and is thrown away. */
        virtual void late() = 0;

    protected:
        ~Receiver() {}
    };

    explicit PacketOrder(Receiver &receiver);
    PacketOrder(const PacketOrder &) = delete;
    PacketOrder &operator=(const PacketOrder &) = delete;

    void packet(const Packet &packet, double now);

    /* Time has passed: what waits in vain for a lost packet goes on. */
    void tick(double now) { go_on(now, false); }

    /* Whatever waits goes on now. */
    void give_up() { go_on(0, true); }

    /* After give_up: what comes next begins a stream, of whatever source. */
    void begin_anew() { synchronized_ = false; }

    /* The clock was set back by so many seconds. */
    void set_back(double seconds);

    /* Packets of another source than the one that is heard (SSRC). */
    uint64_t foreign() const { return foreign_; }

private:
    struct Held {
        Packet packet; /* but for its payload, which is below */
        double arrived;
        std::vector<uint8_t> payload;
    };

    bool is_of_source(const Packet &packet, double now);
    void sort(const Packet &packet, double now);
    void behind(const Packet &packet, unsigned distance, double now);
    void start_anew(const Packet &packet, double now);
    void hold(const Packet &packet, double now);
    void go_on(double now, bool give_up);
    void skip(uint32_t packets);
    void hand_on(const Packet &packet, const Place &place);

    Receiver &receiver_;
    bool synchronized_, probing_;
    uint16_t next_number_, probed_number_;
    uint64_t base_;                 /* extended number of next_number_ */
    std::map<uint32_t, Held> held_; /* by their extended numbers */
    std::bitset<128> given_up_;     /* those before next_number_, the latest first, that may still come */
    unsigned repeated_;             /* packets in a row whose numbers have been there */

    uint32_t source_, other_source_;
    unsigned other_packets_;
    double arrived_; /* the source's latest packet */
    uint64_t foreign_;
};

} // namespace callvane
