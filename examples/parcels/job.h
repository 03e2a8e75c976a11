/* What is made of the scans of parcels, apart from where scans come from and where results go: so a test can put in its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <weir/weir.h>

/* Not express, and scanned at this hour (UTC) or later: goes tomorrow. */
#define LAST_HOUR 18

/* Scans in, shipments out: (id, [town, is express, [kg of each piece]]), each once a batch. A scan is TEXT, one stream a belt:
 * "id town kg[,kg...] [express]", or "label BASE64" of a label that was printed for a shipment. */
WeirStream *parcels_shipments (WeirStream *const *belts, gsize n_belts);

/* Scans in, (number of the belt, scans) out; a belt without scans is not there. */
WeirStream *parcels_scans_by_belt (WeirStream *const *belts, gsize n_belts);

/* Shipments in: (town, kg). */
WeirStream *parcels_kg_by_town (WeirStream *shipments);

/* Shipments in: those that go today, one partition a van. */
WeirStream *parcels_vans (WeirStream *shipments, guint n_vans);

/* Vans in: a LIST of ids for each. */
WeirStream *parcels_freight (WeirStream *vans);

/* Vans in: (number of the van, kg) for each. */
WeirStream *parcels_kg_by_van (WeirStream *vans);

/* Shipments in: the ids of one in every so many, which are opened. */
WeirStream *parcels_samples (WeirStream *shipments, guint every);

/* Shipments in: (id, BYTES of the label) out. */
WeirStream *parcels_labels (WeirStream *shipments);
