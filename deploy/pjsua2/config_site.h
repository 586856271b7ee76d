/* Callvane's settings of pjproject 2.17: a recorder of many calls, audio only. */

/* Capacity: the ceiling of the build; the bridge's max_calls stays below it. */
#define PJSUA_MAX_CALLS                 2048
#define PJSUA_MAX_CONF_PORTS            8192    /* two streams and two taps a call */
#define PJ_IOQUEUE_MAX_HANDLES          16384   /* RTP and RTCP of two streams a call, SIP over TCP */
#define PJ_IOQUEUE_MAX_EVENTS_IN_SINGLE_POLL 256 /* a poll brings the packets of many streams */
#define PJSIP_MAX_TSX_COUNT             16383
#define PJSIP_MAX_DIALOG_COUNT          8191
#define PJSIP_UDP_SO_RCVBUF_SIZE        1048576 /* a burst of INVITEs waits instead of being lost */
#define PJSIP_TCP_TRANSPORT_BACKLOG     512     /* so does a burst of connections: the default of 5 costs a second each */
#define PJ_SOMAXCONN                    512     /* over TLS */

/* SIPREC: metadata of 64 kB and its headers fit; a longer message closes its TCP connection. */
#define PJSUA_HAS_SIPREC                1
#define PJSIP_MAX_PKT_LEN               131072
#define PJSUA2_MAX_SDP_BUF_LEN          16384   /* above it the SDP reads as empty */

/* Audio only, no sound device; libsamplerate where a codec is not 8 kHz. */
#define PJMEDIA_HAS_VIDEO               0
#define PJMEDIA_RESAMPLE_IMP            PJMEDIA_RESAMPLE_LIBSAMPLERATE

/* Later use needs no other build: IPv6 and TLS; SRTP, Opus and G.722 come with configure. */
#define PJ_HAS_IPV6                     1
#define PJSIP_HAS_TLS_TRANSPORT         1

/* Errors only: higher levels write callers' numbers, and print before a log writer can be set. */
#define PJ_LOG_MAX_LEVEL                1

/* No assertion ends the process on a hostile message (NDEBUG is set too). */
#define PJ_DEBUG                        0
