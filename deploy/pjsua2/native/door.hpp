/*
 * What comes first to a SIP request: who sent it, whether a recorder answers such a method at all, and the
 * application's word on new ones. Stands before the transactions: what is refused here takes no place of the library's.
 *
 * Everything runs on the thread that polls the library.
 */
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace callvane {

struct DoorState;

/* A request that would begin something new: an INVITE or an OPTIONS outside a dialog. */
struct DoorRequest {
    std::string method;
    /* Address and port. */
    std::string source;
    /* Over TLS. */
    bool secure;
    /* All of it. */
    std::string message;

    /* Answers with this status instead of letting it in. */
    void refuse(int status, const std::string &reason)
    {
        this->status = status;
        this->reason = reason;
    }
    /* Gives no answer at all. */
    void ignore() { ignored = true; }
    void addHeader(const std::string &name, const std::string &value)
    {
        names.push_back(name);
        values.push_back(value);
    }

#ifndef SWIG
    bool ignored;
    int status;
    std::string reason;
    std::vector<std::string> names, values;
#endif
};

/* What was turned away, in all. */
struct DoorCounts {
    /* Requests and connections from addresses that are not let in, by kind. */
    unsigned long long foreignInvites, foreignOthers, foreignConnections;
    /* Methods that a recorder does not need; messages whose head is longer than any recorder's. */
    unsigned long long methods, overlong;
    /* Messages of which a header that an answer needs cannot be read. */
    unsigned long long unreadable;
    /* Connections over a limit, those closed for what they did not say in time, and those for what they did not read. */
    unsigned long long crowded, overdue, unread;
    /* How often a listening socket has got no connection for want of files. */
    unsigned long long starved;
    /* The latest address that was turned away; empty for none. */
    std::string latest;
};

/* One for a process, between the library's init and its end. */
class Door {
public:
    Door();
    virtual ~Door();

    /* Who is let in: addresses and networks, or anybody. `certificates`: over TLS, the application judges. */
    void allow(const std::vector<std::string> &networks, bool anybody, bool certificates);

    /* How many TCP and TLS connections there may be; one peer may have half of them. */
    void limitConnections(unsigned connections);

    /* Begins; the library must have been initialized. */
    void open();

    /* Lets time pass: closes connections that are overdue. To be called about once a second. */
    void sweep(double now);

    DoorCounts counts() const;

    /* For how long the longest of the messages that have come since it was last asked has held the thread, in seconds;
     * 0 where none has come. To be asked when the library has given the thread back. */
    double held();

    /* A request that would begin something new. Whatever is not refused goes on. */
    virtual void onRequest(DoorRequest &request);

    /* A session description that was received, before the library reads it; what is to be read in its place. */
    virtual std::string onDescription(const std::string &description);

private:
    Door(const Door &);
    Door &operator=(const Door &);
    std::unique_ptr<DoorState> state_;
};

} // namespace callvane
