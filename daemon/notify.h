/* Readiness for service managers: sd_notify(3)'s datagram, without libsystemd (845 kB for two
 * functions, limits H). */
#ifndef STINT_NOTIFY_H
#define STINT_NOTIFY_H

/* Sends @state ("READY=1", "RELOADING=1\nMONOTONIC_USEC=…") to $NOTIFY_SOCKET; does nothing without
 * one. */
void stint_notify(const char *state);
/* RELOADING=1 with the time that Type=notify-reload wants. */
void stint_notify_reloading(void);

#endif
